package lint

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Index checks an index against the configs of its images, by the digests of
// their manifests (rule 30): every Windows image is found by the full version
// of its config, and no two are for the same build. Images without a config
// here are checked for the latter alone.
func Index(index []byte, configs map[v1.Hash][]byte) Report {
	c := &imageCheck{found: newCollector()}
	m, err := readJSON(index, v1.ParseIndexManifest)
	if err != nil {
		c.add(30, BadJSON, "index", "it cannot be read: %v", err)
		return c.done()
	}
	builds := map[string]v1.Hash{}
	for _, d := range m.Manifests {
		if d.Platform == nil {
			c.add(30, Platform, d.Digest.String(), "the entry has no platform")
			continue
		}
		if d.Platform.OS != "windows" {
			continue
		}
		c.indexEntry(d, configs[d.Digest])
		key := d.Platform.Architecture + " " + build(d.Platform.OSVersion)
		if other, ok := builds[key]; ok {
			c.add(30, Platform, d.Digest.String(), "the entry is for the same Windows build as %s", other)
		}
		builds[key] = d.Digest
	}
	return c.done()
}

func (c *imageCheck) indexEntry(d v1.Descriptor, config []byte) {
	if config == nil {
		return
	}
	f, err := readJSON(config, v1.ParseConfigFile)
	if err != nil {
		c.add(30, BadJSON, d.Digest.String(), "its config cannot be read: %v", err)
		return
	}
	if f.OSVersion != d.Platform.OSVersion || f.Architecture != d.Platform.Architecture || f.OS != d.Platform.OS {
		c.add(30, Platform, d.Digest.String(), "the entry is for %s, its config for %s/%s:%s", d.Platform, f.OS, f.Architecture, f.OSVersion)
	}
}

// build is the part of a Windows version that hosts compare: 10.0.20348.
func build(version string) string {
	const parts = 3
	return strings.Join(strings.SplitN(version+"...", ".", parts+1)[:parts], ".")
}
