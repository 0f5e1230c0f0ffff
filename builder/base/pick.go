package base

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// maxLookups bounds how many entries of a list are opened because the list does
// not say what they are.
const maxLookups = 64

// candidate is an image of a list.
type candidate struct {
	desc     v1.Descriptor
	platform v1.Platform
}

// choose returns the images of the list that are to be bases.
func choose(ctx context.Context, src source, list document, w wanted) ([]candidate, error) {
	l := lister{src: src}
	if err := l.add(ctx, list, false); err != nil {
		return nil, err
	}
	return pick(l.found, w)
}

// lister collects the images of a list and of the lists in it.
type lister struct {
	src     source
	found   []candidate
	lookups int
}

func (l *lister) add(ctx context.Context, list document, nested bool) error {
	for _, d := range list.index.Manifests {
		if isAttestation(d) || !l.src.has(d) {
			continue
		}
		if isComplete(d.Platform) && !d.MediaType.IsIndex() {
			l.found = append(l.found, candidate{d, *d.Platform})
			continue
		}
		if l.lookups++; l.lookups > maxLookups {
			return fmt.Errorf("list %s has more than %d entries without a platform: give the digest of one image", list.digest, maxLookups)
		}
		if err := l.look(ctx, d, nested); err != nil {
			return err
		}
	}
	return nil
}

// look reads an entry to learn what it is. Entries that are no images are left
// out, and so are lists deeper than one level.
func (l *lister) look(ctx context.Context, d v1.Descriptor, nested bool) error {
	if d.MediaType != "" && !d.MediaType.IsImage() && !d.MediaType.IsIndex() {
		return nil
	}
	doc, err := l.src.manifest(ctx, d)
	if errors.Is(err, ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return nil // of another platform, and not copied along
	}
	if err != nil {
		return err
	}
	if doc.index != nil {
		if nested {
			return nil
		}
		return l.add(ctx, doc, true)
	}
	if !doc.image.Config.MediaType.IsConfig() {
		return nil
	}
	raw, err := l.src.config(ctx, doc)
	if err != nil {
		return err
	}
	c, err := parseConfig(raw, doc.image)
	if err != nil {
		return err
	}
	l.found = append(l.found, candidate{d, c.platform()})
	return nil
}

// isComplete says whether p tells all that picking needs. Lists made by tools
// that drop os.version are completed from the config.
func isComplete(p *v1.Platform) bool {
	return p != nil && p.OS != "" && p.Architecture != "" && (p.OS != "windows" || p.OSVersion != "")
}

// isAttestation says whether an entry holds the provenance or SBOM of another:
// https://docs.docker.com/build/metadata/attestations/attestation-storage/
func isAttestation(d v1.Descriptor) bool {
	if p := d.Platform; p != nil && p.OS == "unknown" && p.Architecture == "unknown" {
		return true
	}
	return d.Annotations["vnd.docker.reference.type"] != ""
}

// pick returns the windows/amd64 image of the highest version of each build that is
// wanted, the newest build first. Several are an error unless all are wanted. Of
// equals the first in the list wins.
func pick(all []candidate, w wanted) ([]candidate, error) {
	var windows []candidate
	for _, c := range all {
		if c.platform.OS == "windows" && c.platform.Architecture == "amd64" {
			windows = append(windows, c)
		}
	}
	if len(windows) == 0 {
		return nil, fmt.Errorf("no image for windows/amd64 in the list: it holds %s; name another image", summary(all))
	}
	newest := newestOfBuilds(windows, w.osVersion)
	switch {
	case len(newest) == 0:
		return nil, fmt.Errorf("no Windows %s in the list: it holds %s; %s",
			w.osVersion, versions(windows), instead(newestOfBuilds(windows, "")[0].platform.OSVersion))
	case w.all || len(newest) == 1:
		return newest, nil
	}
	remedy := ""
	if w.what == "" { // what is not a base is not built on
		remedy = ", or take all of them into one index with --index"
	}
	return nil, fmt.Errorf("the list holds several Windows builds: %s; choose one with --os-version, such as --os-version %s%s",
		versions(windows), winver.BuildOf(newest[0].platform.OSVersion), remedy)
}

// instead says how an image of the list is asked for.
func instead(osVersion string) string {
	if osVersion == "" {
		return "leave --os-version out, or name another image"
	}
	return "name one of them with --os-version, such as --os-version " + winver.BuildOf(osVersion)
}

// newestOfBuilds returns the image of the highest version of each build that
// satisfies osVersion, the newest build first.
func newestOfBuilds(windows []candidate, osVersion string) []candidate {
	var newest []candidate
	for _, c := range windows {
		if osVersion != "" && !matches(c.platform.OSVersion, osVersion) {
			continue
		}
		same := func(n candidate) bool {
			return winver.BuildOf(n.platform.OSVersion) == winver.BuildOf(c.platform.OSVersion)
		}
		switch i := slices.IndexFunc(newest, same); {
		case i < 0:
			newest = append(newest, c)
		case winver.Compare(c.platform.OSVersion, newest[i].platform.OSVersion) > 0:
			newest[i] = c
		}
	}
	slices.SortStableFunc(newest, func(a, b candidate) int { return winver.Compare(b.platform.OSVersion, a.platform.OSVersion) })
	return newest
}

func versions(cs []candidate) string {
	all := make([]string, 0, len(cs))
	for _, c := range cs {
		all = append(all, orNone(c.platform.OSVersion))
	}
	slices.SortFunc(all, winver.Compare)
	return some(slices.Compact(all))
}

func summary(cs []candidate) string {
	all := make([]string, 0, len(cs))
	for _, c := range cs {
		all = append(all, describe(c.platform))
	}
	if len(all) == 0 {
		return "no images"
	}
	slices.Sort(all)
	return some(slices.Compact(all))
}

// describe writes a platform as OS/ARCH[/VARIANT][ OSVERSION].
func describe(p v1.Platform) string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	if p.OSVersion != "" {
		s += " " + p.OSVersion
	}
	return clip(s)
}

func orNone(version string) string {
	if version == "" {
		return "without os.version"
	}
	return clip(version)
}
