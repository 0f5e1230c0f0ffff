package distribution_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// specimen is the image that the bench pushes and pulls.
type specimen struct {
	layers   []piece
	config   piece
	manifest piece
}

// piece is one of an image's blobs or documents.
type piece struct {
	content []byte
	desc    v1.Descriptor
}

func newPiece(content []byte, mt types.MediaType) piece {
	sum := sha256.Sum256(content)
	return piece{content, v1.Descriptor{
		MediaType: mt, Size: int64(len(content)),
		Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])},
	}}
}

// tag is the name that is moved.
const tag = "v1"

// image has layers that are large enough to be cut in the middle, and nothing that
// could be compressed.
var image = sync.OnceValue(func() specimen {
	return newSpecimen(noise(300_000), noise(800_001), noise(1_500_000))
})

// before is what the tag names when a run begins.
var before = sync.OnceValue(func() specimen { return newSpecimen(noise(100)) })

// base is an image that has the first layer.
var base = sync.OnceValue(func() specimen { return newSpecimen(image().layers[0]) })

// noise is a layer of that size, in bytes.
func noise(size int) piece {
	content := make([]byte, size)
	dice := rand.NewPCG(uint64(size), 0)
	for i := range content {
		content[i] = byte(dice.Uint64() >> 32)
	}
	return newPiece(content, types.OCILayer)
}

func newSpecimen(layers ...piece) specimen {
	s := specimen{layers: layers}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	var diffIDs []string
	for _, l := range layers {
		m.Layers = append(m.Layers, l.desc)
		diffIDs = append(diffIDs, l.desc.Digest.String())
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "windows", "os.version": "10.0.20348.2700",
		"config": map[string]any{}, "rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
	if err != nil {
		panic(err)
	}
	s.config = newPiece(config, types.OCIConfigJSON)
	m.Config = s.config.desc
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	s.manifest = newPiece(raw, m.MediaType)
	return s
}

// blobs are all but the manifest.
func (s specimen) blobs() []piece { return append([]piece{s.config}, s.layers...) }

// store puts the image into a registry, past all faults.
func (s specimen) store(registry http.Handler, repo string) error {
	for _, b := range s.blobs() {
		begun, _, err := fetch(registry, http.MethodPost, "/v2/"+repo+"/blobs/uploads/", nil, nil)
		if err != nil {
			return err
		}
		to, err := begun.Location()
		if err != nil {
			return err
		}
		q := to.Query()
		q.Set("digest", b.desc.Digest.String())
		if err := put(registry, to.Path+"?"+q.Encode(), "application/octet-stream", b.content); err != nil {
			return err
		}
	}
	return put(registry, path.Join("/v2", repo, "manifests", tag), string(s.manifest.desc.MediaType), s.manifest.content)
}

func put(registry http.Handler, to, contentType string, content []byte) error {
	resp, text, err := fetch(registry, http.MethodPut, to, http.Header{"Content-Type": {contentType}}, content)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("PUT %s: %d %s", to, resp.StatusCode, text)
	}
	return err
}

// tagged returns what the tag names, past all faults.
func tagged(registry http.Handler, repo string) ([]byte, error) {
	resp, content, err := fetch(registry, http.MethodGet, path.Join("/v2", repo, "manifests", tag), manifestTypes, nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the tag: %d %s", resp.StatusCode, content)
	}
	return content, err
}

var manifestTypes = http.Header{"Accept": {string(types.OCIManifestSchema1)}}

// check compares what is in a registry with the image, blob by blob.
func (s specimen) check(registry http.Handler, repo string) error {
	raw, err := tagged(registry, repo)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, s.manifest.content) {
		return fmt.Errorf("the tag names %.300q", raw)
	}
	for _, b := range append(s.blobs(), s.manifest) {
		kind := "blobs"
		if b.desc.Digest == s.manifest.desc.Digest {
			kind = "manifests"
		}
		resp, content, err := fetch(registry, http.MethodGet, path.Join("/v2", repo, kind, b.desc.Digest.String()), manifestTypes, nil)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK || !bytes.Equal(content, b.content) {
			return fmt.Errorf("%s %s: %d with %d bytes, which are not those of the image", kind, b.desc.Digest, resp.StatusCode, len(content))
		}
	}
	return nil
}

// open reads the piece from an offset on.
func (p piece) open(offset int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(p.content[offset:])), nil
}
