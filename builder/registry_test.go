package builder_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// newRegistry serves an empty registry for the test and returns its host.
func newRegistry(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.WithReferrersSupport(true)))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestImagesGoThroughARegistry(t *testing.T) {
	t.Parallel()
	host := newRegistry(t)
	for format, o := range map[string]sample.Options{"": {Layers: 2}, "oci": {Layers: 2}, "docker": {OCI: true}} {
		ref, err := name.ParseReference(host + "/windows/nanoserver:ltsc" + format)
		if err != nil {
			t.Fatal(err)
		}
		made, err := sample.Image(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, made); err != nil {
			t.Fatal(err)
		}
		pulled, err := remote.Image(ref)
		if err != nil {
			t.Fatal(err)
		}
		img, _ := build(t, newApp(t), baseOf(t, pulled), builder.Overrides{Format: format})
		all, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := all[0].(*remote.MountableLayer); !ok {
			t.Errorf("format %q: the base's layer is a %T, which cannot be mounted", format, all[0])
		}
		target, err := name.ParseReference(host + "/app:" + "v" + format)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(target, img); err != nil {
			t.Fatal(err)
		}
		back, err := remote.Image(target)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(back); err != nil {
			t.Errorf("format %q: %v", format, err)
		}
		want, _ := img.Digest()
		if got, err := back.Digest(); err != nil || got != want {
			t.Errorf("format %q: digest %s, %v; want %s", format, got, err, want)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	spec, _ := configure(t, app, builder.Overrides{})
	left := func(dir string) int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	t.Run("after close", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		img, err := buildOne(t.Context(), spec, newBase(t, sample.Options{}), app, builder.Deps{TempDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if left(dir) == 0 {
			t.Error("nothing was packed into the folder")
		}
		if err := img.Close(); err != nil || left(dir) > 0 {
			t.Errorf("%d files are left (%v)", left(dir), err)
		}
	})
	t.Run("after an error", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		b := newBase(t, sample.Options{ExtraConfig: map[string]any{"history": "odd"}})
		if _, err := buildOne(t.Context(), spec, b, app, builder.Deps{TempDir: dir}); err == nil || left(dir) > 0 {
			t.Errorf("%d files are left (%v)", left(dir), err)
		}
	})
	t.Run("after an interruption", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := buildOne(ctx, spec, newBase(t, sample.Options{}), app, builder.Deps{TempDir: dir})
		if !errors.Is(err, context.Canceled) || left(dir) > 0 {
			t.Errorf("%d files are left (%v)", left(dir), err)
		}
	})
}
