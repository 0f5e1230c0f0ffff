package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// dropped says, for each tag that names an index of somebody else's, which platforms
// it will not offer any more once it names the content. It asks for an index once, and
// for nothing where the tags name none; what cannot be read is passed over.
func (r *Registry) dropped(ctx context.Context, c Content, tags []string) []string {
	if c.merge != nil {
		return nil
	}
	images, err := c.images()
	if err != nil {
		return nil
	}
	ours := map[string]bool{}
	for _, img := range images {
		if config, err := img.ConfigFile(); err == nil {
			ours[platformName(config.Platform())] = true
		}
	}
	var sentences []string
	seen := map[v1.Hash]bool{}
	if own, err := c.Digest(); err == nil {
		seen[own] = true
	}
	for _, tag := range tags {
		held := r.named(tag)
		if !held.MediaType.IsIndex() || seen[held.Digest] {
			continue
		}
		seen[held.Digest] = true
		index, err := r.remote.Manifest(ctx, held.Digest.String())
		if err != nil {
			continue
		}
		if lost := platformsBeside(index.Content, ours); len(lost) > 0 {
			sentences = append(sentences, fmt.Sprintf("%[1]s:%[2]s names an index that also offers %[3]s, and will not offer them any more; to add to it instead, publish with --into-index %[1]s:%[2]s", r.repo, tag, some(lost)))
		}
	}
	return sentences
}

// platformsBeside returns the platforms of the index's images that are not ours,
// sorted. Of what is no index it finds none.
func platformsBeside(index []byte, ours map[string]bool) []string {
	if checkShape(index) != nil {
		return nil
	}
	var list struct {
		Manifests []struct {
			Platform *v1.Platform `json:"platform"`
		} `json:"manifests"`
	}
	if json.Unmarshal(index, &list) != nil {
		return nil
	}
	var beside []string
	for _, m := range list.Manifests {
		// Attestations have the platform unknown/unknown.
		if m.Platform == nil || m.Platform.OS == "" || m.Platform.OS == "unknown" {
			continue
		}
		if name := platformName(m.Platform); !ours[name] {
			beside = append(beside, name)
		}
	}
	slices.Sort(beside)
	return slices.Compact(beside)
}

// platformName names what hosts choose an image by: of a Windows version the build,
// since the revision that Microsoft's patches raise makes no difference.
func platformName(p *v1.Platform) string {
	if p == nil {
		return ""
	}
	name := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		name += "/" + p.Variant
	}
	if p.OSVersion != "" {
		build := strings.Split(p.OSVersion, ".")
		name += " " + strings.Join(build[:min(len(build), 3)], ".")
	}
	return name
}

// Bounds on what a sentence shows of an index that somebody else made.
const (
	maxPlatforms    = 6
	maxPlatformName = 60
)

// some joins the first of the names, without anything that could move a cursor.
func some(names []string) string {
	more := ""
	if n := len(names) - maxPlatforms; n > 0 {
		names, more = names[:maxPlatforms], fmt.Sprintf(" and %d more", n)
	}
	shown := make([]string, len(names))
	for i, n := range names {
		n = strings.Map(func(c rune) rune {
			if c < ' ' || c > '~' {
				return '?'
			}
			return c
		}, n)
		shown[i] = n[:min(len(n), maxPlatformName)]
	}
	return strings.Join(shown, ", ") + more
}
