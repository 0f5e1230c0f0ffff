package base

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const (
		config = `"config":{"digest":"` + someDigest + `","size":2,"mediaType":"application/vnd.oci.image.config.v1+json"}`
		image  = `{"schemaVersion":2,` + config + `,"layers":[]}`
		index  = `{"schemaVersion":2,"manifests":[]}`
	)
	for name, c := range map[string]struct {
		raw      string
		declared types.MediaType
		want     types.MediaType // or
		error    string
	}{
		"image by shape":            {raw: image, want: types.OCIManifestSchema1},
		"list by shape":             {raw: index, want: types.OCIImageIndex},
		"image by Content-Type":     {raw: image, declared: types.DockerManifestSchema2 + "; charset=utf-8", want: types.DockerManifestSchema2},
		"useless Content-Type":      {raw: image, declared: "application/json", want: types.OCIManifestSchema1},
		"no Content-Type at all":    {raw: index, declared: ";;", want: types.OCIImageIndex},
		"stated wins over declared": {raw: `{"schemaVersion":2,"mediaType":"` + string(types.DockerManifestList) + `","manifests":[]}`, declared: types.OCIImageIndex, want: types.DockerManifestList},
		"layers null":               {raw: `{"schemaVersion":2,"manifests":[],"layers":null,"config":null}`, want: types.OCIImageIndex},
		"both":                      {raw: `{"schemaVersion":2,"manifests":[],"layers":[]}`, error: "neither"},
		"nothing":                   {raw: `{"schemaVersion":2}`, error: "neither"},
		"list that says image":      {raw: `{"schemaVersion":2,"mediaType":"` + string(types.OCIManifestSchema1) + `","manifests":[]}`, error: "another shape"},
		"image declared as list":    {raw: image, declared: types.OCIImageIndex, error: "another shape"},
		"unknown type":              {raw: `{"schemaVersion":2,"mediaType":"application/x",` + config + `,"layers":[]}`, error: "another shape"},
		"schema 1":                  {raw: `{"schemaVersion":1,"fsLayers":[]}`, error: "schema 1"},
		"no JSON":                   {raw: `html`, error: "parse manifest"},
		"no config digest":          {raw: `{"schemaVersion":2,"config":{"size":2},"layers":[]}`, error: "no config"},
		"config too big":            {raw: `{"schemaVersion":2,"config":{"digest":"` + someDigest + `","size":4194305},"layers":[]}`, error: "4194305 bytes"},
		"config of negative size":   {raw: `{"schemaVersion":2,"config":{"digest":"` + someDigest + `","size":-1},"layers":[]}`, error: "-1 bytes"},
		"layer without digest":      {raw: `{"schemaVersion":2,` + config + `,"layers":[{"size":1}]}`, error: "without digest"},
		"layer of another hash":     {raw: `{"schemaVersion":2,` + config + `,"layers":[{"size":1,"digest":"md5:00"}]}`, error: "md5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := parse([]byte(c.raw), v1.Hash{Algorithm: "sha256", Hex: "00"}, c.declared)
			if c.error != "" {
				if err == nil || !strings.Contains(err.Error(), c.error) {
					t.Errorf("error %v, want one with %q", err, c.error)
				}
				return
			}
			if err != nil || d.mediaType != c.want {
				t.Errorf("got %s, %v, want %s", d.mediaType, err, c.want)
			}
			if (d.index != nil) != c.want.IsIndex() || (d.image != nil) != c.want.IsImage() {
				t.Errorf("index %v, image %v", d.index, d.image)
			}
		})
	}
}

func TestTypeFollowsFirstBytes(t *testing.T) {
	t.Parallel()
	zip, zst, tar := []byte{0x1f, 0x8b, 8, 0}, []byte{0x28, 0xb5, 0x2f, 0xfd}, []byte("File")
	for _, c := range []struct {
		label types.MediaType
		head  []byte
		want  types.MediaType
	}{
		{types.DockerLayer, zip, types.DockerLayer},
		{types.DockerLayer, tar, types.DockerUncompressedLayer},
		{types.DockerLayer, nil, types.DockerUncompressedLayer},
		{types.DockerUncompressedLayer, zip, types.DockerLayer},
		{types.DockerLayer, zst, "application/vnd.docker.image.rootfs.diff.tar.zstd"},
		{types.OCILayer, zst, types.OCILayerZStd},
		{types.OCILayerZStd, tar, types.OCIUncompressedLayer},
		{types.OCIUncompressedLayer, zip, types.OCILayer},
		{types.DockerForeignLayer, tar, types.DockerForeignLayer},
		{types.OCIRestrictedLayer, tar, types.OCIRestrictedLayer},
		{"application/x", tar, "application/x"},
	} {
		if got := typeOf(c.label, c.head); got != c.want {
			t.Errorf("%s beginning with %x: got %s, want %s", c.label, c.head, got, c.want)
		}
	}
}
