package base

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Default is the base of images whose user names none.
const Default = nanoserver + ":ltsc2022"

// dockerHub is how Docker Hub is written.
const dockerHub = "docker.io"

// Microsoft's base images: https://mcr.microsoft.com/en-us/catalog
const (
	nanoserver = "mcr.microsoft.com/windows/nanoserver"
	servercore = "mcr.microsoft.com/windows/servercore"
)

// Expand writes a short name out; anything else is returned as it is. Short
// names are ltsc2019 (alias 1809), ltsc2022 and ltsc2025, which are Nano Server
// of that release, nanoserver and servercore, which are those of ltsc2022, and
// nanoserver:TAG and servercore:TAG. The empty string is Default.
func Expand(ref string) string {
	switch ref {
	case "":
		return Default
	case "1809":
		return nanoserver + ":ltsc2019"
	case "ltsc2019", "ltsc2022", "ltsc2025":
		return nanoserver + ":" + ref
	case "nanoserver", "servercore":
		ref += ":ltsc2022"
	}
	for _, repo := range []string{nanoserver, servercore} {
		short := repo[strings.LastIndexByte(repo, '/')+1:]
		if rest, ok := strings.CutPrefix(ref, short); ok && rest != "" && (rest[0] == ':' || rest[0] == '@') {
			return repo + rest
		}
	}
	return ref
}

// IsShort says whether ref is a short name, or empty: what names a Windows, whatever
// else the image on it may need.
func IsShort(ref string) bool { return ref == "" || Expand(ref) != ref }

// place is a kind of source.
type place int

const (
	inRegistry place = iota
	inLayout
	inTar
)

// locate returns which kind of source an expanded reference names, and the
// reference without the prefix that says so.
func locate(ref string) (place, string) {
	if rest, ok := strings.CutPrefix(ref, "oci:"); ok {
		return inLayout, rest
	}
	if rest, ok := strings.CutPrefix(ref, "tar:"); ok {
		return inTar, rest
	}
	return inRegistry, ref
}

// selection is a host path and which of its images is meant.
type selection struct {
	path   string
	name   string   // a reference name, or empty
	digest *v1.Hash // of a manifest, or nil
}

// selections returns what s, the part behind "oci:", may mean, in the order in
// which to look: first s as a path, then with names cut off behind each colon
// from the right, since names and folders (C:\dir) may hold colons themselves.
func selections(s string) []selection {
	all := []selection{{path: s}}
	if path, digest, ok := cutDigest(s); ok {
		all = append(all, selection{path: path, digest: &digest})
	}
	for i := strings.LastIndexByte(s, ':'); i > 0; i = strings.LastIndexByte(s[:i], ':') {
		if name := s[i+1:]; name != "" && name[0] != '/' && name[0] != '\\' {
			all = append(all, selection{path: s[:i], name: name})
		}
	}
	return all
}

// cutDigest splits PATH@ALGORITHM:HEX.
func cutDigest(s string) (path string, digest v1.Hash, ok bool) {
	i := strings.LastIndexByte(s, '@')
	if i <= 0 {
		return s, v1.Hash{}, false
	}
	digest, err := v1.NewHash(s[i+1:])
	return s[:i], digest, err == nil
}
