package publish

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// archiveFiles reads the small files of a plain archive and the names of all.
func archiveFiles(t *testing.T, file string) (content map[string][]byte, order []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content = map[string][]byte{}
	tr := tar.NewReader(f)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return content, order
		}
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, h.Name)
		if content[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}

// archiveDigest returns the one digest that the archive's OCI index names.
func archiveDigest(t *testing.T, file string) string {
	t.Helper()
	content, _ := archiveFiles(t, file)
	var index v1.IndexManifest
	if err := json.Unmarshal(content[indexFile], &index); err != nil {
		t.Fatal(err)
	}
	digest := index.Manifests[0].Digest
	for _, m := range index.Manifests {
		if m.Digest != digest {
			t.Errorf("two digests in one archive: %s and %s", digest, m.Digest)
		}
	}
	if content[blobName(digest)] == nil {
		t.Errorf("the archive lacks the manifest %s that it names", digest)
	}
	return digest.String()
}
