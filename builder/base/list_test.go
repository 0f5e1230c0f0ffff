package base_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// TestReadList has a list that Resolve finds several bases in, and one image of it.
func TestReadList(t *testing.T) {
	t.Parallel()
	idx, err := sample.Index(image(t, sample.Options{OSVersion: "10.0.20348.1"}), image(t, sample.Options{OSVersion: "10.0.26100.1"}), image(t, sample.Options{OS: "linux"}))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	if err := sample.WriteLayout(dir, idx); err != nil {
		t.Fatal(err)
	}
	got, err := base.ReadList(t.Context(), "oci:"+dir, base.Options{OSVersion: "10.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := idx.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := idx.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Raw) != string(raw) || got.Digest != digest || !got.MediaType.IsIndex() || got.Name != "oci:"+dir {
		t.Errorf("list %s %s %s %s", got.Name, got.Digest, got.MediaType, got.Raw)
	}
	m, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if one, err := base.ReadList(t.Context(), "oci:"+dir+"@"+m.Manifests[0].Digest.String(), base.Options{}); one != nil || err != nil {
		t.Errorf("an image is the list %v, %v", one, err)
	}
	if _, err := base.ReadList(t.Context(), "oci:"+dir+":gone", base.Options{}); !errors.Is(err, base.ErrNotFound) {
		t.Errorf("error = %v, want ErrNotFound", err)
	}
}
