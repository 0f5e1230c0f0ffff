package base

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// Line returns the reference under which the newest base of the same line is
// found: recorded without its digest, and with what pins it to one revision taken
// out of its tag. osVersion is that of the image on it, of three or four numbers,
// or "" where it has none.
//
// A tag that is the version of a Windows becomes that of its release, such as
// ltsc2022, whatever the registry; so does no tag, or a digest alone, of Nano Server
// or Server Core, and no name at all, which stands for Nano Server. Tags of .NET images keep
// two numbers, and those of .NET Framework lose their date. Every other tag stays.
//
// It fails for layouts and archives, for a digest alone of any other repository,
// and for builds of Windows that have no images.
//
// How Microsoft tags: https://mcr.microsoft.com/en-us/artifact/mar/windows/nanoserver/tags,
// https://github.com/dotnet/dotnet-docker/blob/main/documentation/supported-tags.md and
// https://github.com/microsoft/dotnet-framework-docker/blob/main/documentation/supported-tags.md.
func Line(recorded, osVersion string) (string, error) {
	if place, _ := locate(recorded); place != inRegistry {
		return "", fmt.Errorf("its base was read from %s, which has no successor; name the new base with --base", clip(recorded))
	}
	bare, _, pinned := strings.Cut(Expand(recorded), "@")
	if recorded == "" {
		bare, pinned = nanoserver, true
	}
	ref, err := parseReference(bare)
	if err != nil {
		return "", fmt.Errorf("its base is recorded as %q, which is no reference; name the new base with --base", clip(recorded))
	}
	repo, tag := ref.Context(), ref.Identifier()
	if !hasTag(bare) && (pinned || windowsPath.MatchString(repo.RepositoryStr())) {
		tag = ""
	}
	if tag, err = floating(repo, tag, osVersion); err != nil {
		return "", err
	}
	return writtenOut(repo.Tag(tag)), nil
}

// hasTag says whether a reference without a digest spells its tag.
func hasTag(ref string) bool {
	return strings.Contains(ref[strings.LastIndexByte(ref, '/')+1:], ":")
}

var (
	windowsPath   = regexp.MustCompile(`(^|/)(nanoserver|servercore|windows|windows/server)$`)
	dotnetPath    = regexp.MustCompile(`(^|/)dotnet/(nightly/)?(runtime|aspnet|sdk)$`)
	frameworkPath = regexp.MustCompile(`(^|/)dotnet/framework/[a-z-]+$`)

	windowsTag = regexp.MustCompile(`^10\.0\.[0-9]+\.[0-9]+(-amd64)?$`)
	updatePart = regexp.MustCompile(`-KB[0-9]+`)
	dotnetTag  = regexp.MustCompile(`^([0-9]+\.[0-9]+)\.[0-9]+(-(?:nanoserver|windowsservercore)-.*)?$`)
	datePart   = regexp.MustCompile(`-20[0-9]{6}`)
)

// floating returns the tag of the line that a tag belongs to; "" is a digest
// alone.
func floating(repo name.Repository, tag, osVersion string) (string, error) {
	path := repo.RepositoryStr()
	switch {
	case windowsTag.MatchString(tag), tag == "" && windowsPath.MatchString(path):
		if osVersion == "" {
			osVersion, _, _ = strings.Cut(tag, "-")
		}
		return releaseTag(osVersion)
	case tag == "":
		return "", fmt.Errorf("its base is recorded as a digest of %s, which tells no line of bases; name the new base with --base", repo)
	case windowsPath.MatchString(path):
		return updatePart.ReplaceAllString(tag, ""), nil
	case dotnetPath.MatchString(path):
		return dotnetTag.ReplaceAllString(tag, "$1$2"), nil
	case frameworkPath.MatchString(path):
		return datePart.ReplaceAllString(tag, ""), nil
	}
	return tag, nil
}

// releaseTag is the tag that Microsoft moves to the newest image of a build.
func releaseTag(osVersion string) (string, error) {
	v, err := winver.ParsePrefix(osVersion)
	if err != nil {
		return "", fmt.Errorf("which line its base is of cannot be told from os.version %q; name the new base with --base", clip(osVersion))
	}
	r, ok := winver.OfVersion(v.Version)
	if !ok || r.Channel == winver.Annual {
		return "", fmt.Errorf("no base images of Windows %s are known; name the new base with --base", clip(osVersion))
	}
	return r.Name, nil
}
