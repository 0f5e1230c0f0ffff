package builder_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// fixture is an image of testdata/rebase, whose README says how it was made.
func fixture(t testing.TB, tool, which string) builder.Existing {
	t.Helper()
	dir := filepath.Join("..", "testdata", "rebase", tool, which)
	manifest, err1 := os.ReadFile(filepath.Join(dir, "manifest.json"))
	config, err2 := os.ReadFile(filepath.Join(dir, "config.json"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return builder.Existing{Digest: sum(t, manifest), MediaType: types.DockerManifestSchema2, Manifest: manifest, Config: config}
}

func sum(t testing.TB, raw []byte) v1.Hash {
	t.Helper()
	h, _, err := v1.SHA256(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// fixtureBase is the new base of the fixtures.
func fixtureBase(t testing.TB) *base.Base {
	t.Helper()
	e := fixture(t, "base", "new")
	record := builder.RecordedBase(fixture(t, "nanobuild", "new").Manifest, fixture(t, "nanobuild", "new").Config)
	b := &base.Base{
		Name: record.Name, Digest: e.Digest, Index: &record.Index,
		MediaType: e.MediaType, Manifest: e.Manifest, Config: e.Config,
	}
	var m v1.Manifest
	if err := json.Unmarshal(e.Manifest, &m); err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Layers {
		b.Layers = append(b.Layers, remoteLayer{d})
	}
	return b
}

// remoteLayer is a layer of which only the descriptor is here.
type remoteLayer struct{ d v1.Descriptor }

var errRemote = errors.New("its bytes are elsewhere")

func (l remoteLayer) Digest() (v1.Hash, error)             { return l.d.Digest, nil }
func (l remoteLayer) DiffID() (v1.Hash, error)             { return v1.Hash{}, errRemote }
func (l remoteLayer) Size() (int64, error)                 { return l.d.Size, nil }
func (l remoteLayer) MediaType() (types.MediaType, error)  { return l.d.MediaType, nil }
func (l remoteLayer) Compressed() (io.ReadCloser, error)   { return nil, errRemote }
func (l remoteLayer) Uncompressed() (io.ReadCloser, error) { return nil, errRemote }

// TestRebaseOfOtherToolsEqualsTheirBuild compares with what each tool made on
// the new base itself, but for what it writes differently each time.
func TestRebaseOfOtherToolsEqualsTheirBuild(t *testing.T) {
	t.Parallel()
	const image = "org.opencontainers.image."
	for _, tt := range []struct {
		tool  string
		drop  []string // what is the rebase's own, or made anew by each run of the tool
		asked lint.Asked
		exact bool
	}{
		{tool: "nanobuild", exact: true},
		{tool: "ko", asked: lint.Asked{Path: true}},
		{tool: "crane", drop: []string{image + "base.name", image + "base.digest"}},
		// Its layers have the time of writing in them, and it drops os.version.
		{tool: "sdk", drop: []string{"os.version", "created", image + "created", "org.opencontainers.artifact.created", "diff_ids", "digest", "size"}},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			t.Parallel()
			old, want, to := fixture(t, tt.tool, "old"), fixture(t, tt.tool, "new"), fixtureBase(t)
			from := fixture(t, "base", "old")
			r := builder.RebaseRequest{Image: old, OldBase: &from, New: to, BaseName: builder.RecordedBase(want.Manifest, want.Config).Name}
			if tt.exact {
				r.Clock = commitTime
			}
			img := rebase(t, r)
			got := existing(t, img)
			if len(img.Warnings) > 0 || img.Current || !slices.Contains(img.Changes, "Env BASE_RELEASE 1 -> 2") {
				t.Errorf("warnings %q, changes %q", img.Warnings, img.Changes)
			}
			if tt.exact && (string(got.Manifest) != string(want.Manifest) || string(got.Config) != string(want.Config)) {
				t.Errorf("not byte for byte:\n%s\n%s", got.Config, want.Config)
			}
			if diff := cmp.Diff(plain(t, want.Config, tt.drop...), plain(t, got.Config, tt.drop...)); diff != "" {
				t.Error(diff)
			}
			// The config is written in another way, with other bytes.
			if diff := cmp.Diff(plain(t, want.Manifest, append(tt.drop, "config")...), plain(t, got.Manifest, append(tt.drop, "config")...)); diff != "" {
				t.Error(diff)
			}
			wantAppLayers(t, old, got, 2)
			report, err := lint.Image(lint.ImageInput{
				Manifest: got.Manifest, Config: got.Config, Asked: tt.asked,
				Base: &lint.BaseImage{Manifest: to.Manifest, Config: to.Config},
			})
			if err != nil || len(report.Findings) > 0 {
				t.Errorf("lint: %v, %v", report.Findings, err)
			}
			if again := rebase(t, builder.RebaseRequest{Image: got, OldBase: asOld(to), New: to, Clock: layers.Clock{Seconds: 1, Known: true}}); !again.Current {
				t.Errorf("it is not on its base: %q", again.Changes)
			}
		})
	}
}

// wantAppLayers checks that the layers behind the base's first n are those
// behind the first of the old image, and that they stay where they are.
func wantAppLayers(t *testing.T, old, got builder.Existing, n int) {
	t.Helper()
	var was, is struct {
		Layers []json.RawMessage `json:"layers"`
	}
	if err := errors.Join(json.Unmarshal(old.Manifest, &was), json.Unmarshal(got.Manifest, &is)); err != nil {
		t.Fatal(err)
	}
	text := func(raw []json.RawMessage) (out []string) {
		for _, r := range raw {
			out = append(out, string(r))
		}
		return out
	}
	if diff := cmp.Diff(text(was.Layers[1:]), text(is.Layers[n:])); diff != "" {
		t.Error(diff)
	}
}

// plain is a document without what is empty, all times written in one way, and
// the members that drop names left out.
func plain(t *testing.T, raw []byte, drop ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return strip(v, drop)
}

func strip(v any, drop []string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x = strip(x, drop); x == nil || slices.Contains(drop, k) {
				delete(v, k)
				continue
			}
			v[k] = strip(x, drop)
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i], drop)
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

func TestRecordedBase(t *testing.T) {
	t.Parallel()
	digest := sum(t, fixture(t, "base", "old").Manifest)
	name := "localhost:5599/windows/nanoserver:ltsc2022"
	for tool, want := range map[string]builder.BaseRecord{
		"ko":    {Name: name, Digest: digest},
		"sdk":   {Name: name + "-amd64", Digest: digest},
		"crane": {},
		"base":  {},
	} {
		e := fixture(t, tool, "old")
		if got := builder.RecordedBase(e.Manifest, e.Config); got != want {
			t.Errorf("%s: %+v, want %+v", tool, got, want)
		}
	}
	e := fixture(t, "nanobuild", "old")
	if got := builder.RecordedBase(e.Manifest, e.Config); got.Name != name || got.Digest != digest || got.Index.Hex == "" {
		t.Errorf("nanobuild: %+v", got)
	}
	const labels = `{"config":{"Labels":{"org.opencontainers.image.base.name":"label","org.opencontainers.image.base.digest":"sha256:x"}}}`
	got := builder.RecordedBase([]byte(`{"annotations":{"org.opencontainers.image.base.digest":"`+digest.String()+`"}}`), []byte(labels))
	if want := (builder.BaseRecord{Name: "label", Digest: digest}); got != want {
		t.Errorf("annotations first: %+v, want %+v", got, want)
	}
	for _, raw := range []string{"", "[", `{"annotations":[]}`, labels, `{"config":{"Labels":1}}`} {
		if got := builder.RecordedBase([]byte(raw), []byte(raw)); got.Digest != (v1.Hash{}) {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}
