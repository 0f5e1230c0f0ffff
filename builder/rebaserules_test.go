package builder_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/layers"
)

// edited is an image with texts in its documents replaced, old and new in turn.
func edited(t testing.TB, e builder.Existing, pairs ...string) builder.Existing {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		config, manifest := strings.Replace(string(e.Config), pairs[i], pairs[i+1], 1), strings.Replace(string(e.Manifest), pairs[i], pairs[i+1], 1)
		if config == string(e.Config) && manifest == string(e.Manifest) {
			t.Fatalf("no %s in %s %s", pairs[i], e.Config, e.Manifest)
		}
		e.Config, e.Manifest = []byte(config), []byte(manifest)
	}
	var m v1.Manifest
	if err := json.Unmarshal(e.Manifest, &m); err != nil {
		t.Fatal(err)
	}
	size, digest := fmt.Sprintf(`"size":%d`, len(e.Config)), sum(t, e.Config).String()
	e.Manifest = []byte(strings.Replace(strings.Replace(string(e.Manifest), m.Config.Digest.String(), digest, 1), fmt.Sprintf(`"size":%d`, m.Config.Size), size, 1))
	e.Digest, e.MediaType = sum(t, e.Manifest), m.MediaType
	return e
}

func TestRebaseRefuses(t *testing.T) {
	t.Parallel()
	from := newBase(t, sample.Options{OSVersion: lastMonth})
	img, _ := build(t, newApp(t), from, builder.Overrides{})
	old := existing(t, img)
	next := sample.Options{OSVersion: thisMonth}
	var unknown *builder.UnknownBaseError
	var asked *builder.InputError
	ourHistory := `nanobuild: `
	for name, tt := range map[string]struct {
		image builder.Existing
		old   *builder.Existing
		next  sample.Options
		kind  any
		words []string
	}{
		"another base":         {old, asOld(newBase(t, sample.Options{OSVersion: thisMonth})), next, &unknown, []string{"not the first layers", "--old-base"}},
		"a longer base":        {old, asOld(newBase(t, sample.Options{OSVersion: lastMonth, Layers: 9})), next, &unknown, []string{"--old-base"}},
		"no history":           {edited(t, old, `"history":[`, `"history":[{},`), nil, next, &unknown, []string{"history tells of 5", "--old-base"}},
		"a strange history":    {edited(t, old, "Apply image", "ADD", ourHistory, "RUN ", ourHistory, "RUN ", ourHistory, "RUN "), nil, next, &unknown, []string{"history", "--old-base"}},
		"ours, without a base": {edited(t, old, ourHistory, "RUN ", ourHistory, "RUN ", ourHistory, "RUN ", "Apply image 10.0.20348.4171", "nanobuild: x layer"), nil, next, &unknown, []string{"--old-base"}},
		"another build":        {old, asOld(from), sample.Options{OSVersion: "10.0.17763.1"}, &asked, []string{lastMonth, "10.0.17763.1", "--base"}},
		"no version":           {old, asOld(from), sample.Options{NoOSVersion: true}, &asked, []string{lastMonth, "no known version"}},
		"Linux":                {old, asOld(from), sample.Options{OS: "linux"}, &asked, []string{"linux/amd64", "windows/amd64"}},
		"arm64":                {old, asOld(from), sample.Options{OSVersion: thisMonth, Architecture: "arm64"}, &asked, []string{"windows/arm64", "windows/amd64"}},
		"an image for Linux":   {edited(t, old, `"os":"windows"`, `"os":"linux"`), asOld(from), next, &asked, []string{"linux/amd64"}},
		"layers uncounted":     {edited(t, old, `"diff_ids":[`, `"diff_ids":["sha256:`+strings.Repeat("a", 64)+`",`), asOld(from), next, nil, []string{"config names 5 layers, its manifest 4"}},
		"an index":             {builder.Existing{Manifest: []byte(`{"manifests":[]}`), MediaType: types.OCIImageIndex, Config: old.Config}, nil, next, nil, []string{"no image of one platform"}},
		"no manifest":          {builder.Existing{Config: old.Config}, nil, next, nil, []string{"manifest"}},
		"no config":            {builder.Existing{Manifest: old.Manifest, Config: []byte("null")}, nil, next, nil, []string{"config"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := builder.Rebase(builder.RebaseRequest{Image: tt.image, OldBase: tt.old, New: newBase(t, tt.next)})
			if err == nil || !mentions([]string{err.Error()}, tt.words...) {
				t.Fatalf("error %v, want %q", err, tt.words)
			}
			if tt.kind == &unknown && !errors.As(err, new(*builder.UnknownBaseError)) || tt.kind == &asked && !errors.As(err, new(*builder.InputError)) {
				t.Errorf("error %T", err)
			}
		})
	}
}

func TestRebaseOntoAnotherBuildOnPurpose(t *testing.T) {
	t.Parallel()
	from, to := newBase(t, sample.Options{OSVersion: lastMonth}), newBase(t, sample.Options{OSVersion: "10.0.26100.1"})
	app := newApp(t)
	img, _ := build(t, app, from, builder.Overrides{})
	want, _ := build(t, app, to, builder.Overrides{})
	got := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to, Clock: commitTime, AllowOtherBuild: true})
	wantSameImage(t, want, got)
	if !slices.Contains(got.Changes, "os.version 10.0.20348.4171 -> 10.0.26100.1") {
		t.Errorf("changes %q", got.Changes)
	}
}

// TestRebaseOfALostVersion: the SDK writes none, and its base may be gone.
func TestRebaseOfALostVersion(t *testing.T) {
	t.Parallel()
	got := rebase(t, builder.RebaseRequest{Image: fixture(t, "sdk", "old"), New: fixtureBase(t)})
	if !slices.Contains(got.Changes, "os.version none -> 10.0.20348.4294") || !mentions(got.Warnings, "gone") {
		t.Errorf("changes %q, warnings %q", got.Changes, got.Warnings)
	}
	wantAppLayers(t, fixture(t, "sdk", "old"), existing(t, got), 2)
}

// TestRebaseOntoMoreThanWindows: where the old base is gone, nobody knows which of an
// image's layers are the .NET of that base, and a second .NET must not come in below.
func TestRebaseOntoMoreThanWindows(t *testing.T) {
	t.Parallel()
	dotnet := newBase(t, sample.Options{Layers: 2, OSVersion: thisMonth, ExtraConfig: map[string]any{"history": []map[string]any{
		{"created_by": "Apply image " + thisMonth}, {"created_by": "COPY dotnet"},
	}}})
	var unknown *builder.UnknownBaseError
	_, err := builder.Rebase(builder.RebaseRequest{Image: fixture(t, "sdk", "old"), New: dotnet})
	if !errors.As(err, &unknown) || !strings.Contains(err.Error(), "--old-base") {
		t.Errorf("%v", err)
	}
}

// TestRebaseKeepsWhatNobodyKnows in documents of other tools.
func TestRebaseKeepsWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	from, to := newBase(t, sample.Options{OCI: true, OSVersion: lastMonth}), newBase(t, sample.Options{OCI: true, OSVersion: thisMonth})
	img, _ := build(t, newApp(t), from, builder.Overrides{Annotations: []string{"team=a"}})
	subject := `"subject":{"mediaType":"x","size":1,"digest":"` + oldDigest + `"},"artifactType":"a/b"`
	old := edited(t, existing(t, img),
		`"schemaVersion":2`, `"schemaVersion":2,"x-own":[1.50, "<"],`+subject,
		`"config":{"mediaType"`, `"config":{"data":"e30=","annotations":{"a":"b"},"mediaType"`,
		`"os":"windows"`, `"os":"windows","x-config":{"b":1,"a":[1.0]}`,
		`"WorkingDir"`, `"Mine":  "<&>","WorkingDir"`,
	)
	got := existing(t, rebase(t, builder.RebaseRequest{Image: old, OldBase: asOld(from), New: to}))
	for _, want := range []string{`"x-own":[1.50, "<"]`, subject, `"config":{"annotations":{"a":"b"},"mediaType"`, `"team":"a"`, to.Digest.String()} {
		if !strings.Contains(string(got.Manifest), want) {
			t.Errorf("no %s in %s", want, got.Manifest)
		}
	}
	for _, want := range []string{`"x-config":{"b":1,"a":[1.0]}`, `"Mine":"<&>"`, to.Digest.String()} {
		if !strings.Contains(string(got.Config), want) {
			t.Errorf("no %s in %s", want, got.Config)
		}
	}
	if strings.Contains(string(got.Manifest), from.Digest.String()) || strings.Contains(string(got.Config), from.Digest.String()) {
		t.Errorf("the old base is still named: %s %s", got.Manifest, got.Config)
	}
}

func TestRebaseFamily(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to bool // OCI
		o        builder.Overrides
		gone     bool
		want     types.MediaType
		warning  string
	}{
		"asked for":       {o: builder.Overrides{Format: "oci", Annotations: []string{"a=b"}}, want: types.OCIManifestSchema1},
		"asked for, gone": {o: builder.Overrides{Format: "oci"}, gone: true, want: types.OCIManifestSchema1, warning: "gone"},
		"Docker asked":    {from: true, to: true, o: builder.Overrides{Format: "docker"}, want: types.DockerManifestSchema2},
		"the new base's":  {from: true, o: builder.Overrides{Annotations: []string{"a=b"}}, want: types.DockerManifestSchema2, warning: "no annotations"},
		"zstd":            {from: true, o: builder.Overrides{Compression: "zstd"}, want: types.OCIManifestSchema1, warning: "zstd"},
		"gone":            {to: true, gone: true, want: types.OCIManifestSchema1, warning: "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := newBase(t, sample.Options{OCI: tt.from, OSVersion: lastMonth}), newBase(t, sample.Options{OCI: tt.to, OSVersion: thisMonth})
			img, _ := build(t, newApp(t), from, tt.o)
			r := builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to}
			if tt.gone {
				r.OldBase = nil
			}
			got := rebase(t, r)
			m, err := got.Manifest()
			if err != nil || m.MediaType != tt.want {
				t.Fatalf("%s, %v", m.MediaType, err)
			}
			for _, d := range append(m.Layers, m.Config) {
				if isOCI := strings.Contains(string(d.MediaType), ".oci."); isOCI != (tt.want == types.OCIManifestSchema1) {
					t.Errorf("a part is %s", d.MediaType)
				}
			}
			if (tt.warning == "") != (len(got.Warnings) == 0) || !mentions(append(got.Warnings, ""), tt.warning) {
				t.Errorf("warnings %q", got.Warnings)
			}
			if c, err := got.ConfigFile(); err != nil || c.Config.Labels["org.opencontainers.image.base.digest"] != to.Digest.String() {
				t.Errorf("labels %v, %v", c.Config.Labels, err)
			}
		})
	}
}

// TestRebaseSaysWhereTheBaseIs in annotations or in labels.
func TestRebaseSaysWhereTheBaseIs(t *testing.T) {
	t.Parallel()
	const name, digest = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"
	from, to := newBase(t, sample.Options{OSVersion: lastMonth}), newBase(t, sample.Options{OSVersion: thisMonth})
	for oci, format := range map[bool]string{true: "oci", false: "docker"} {
		app := newApp(t)
		app.Properties["ContainerGenerateLabels"] = "false"
		img, _ := build(t, app, from, builder.Overrides{Format: format})
		got := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to, BaseName: "as:asked"})
		m, err1 := got.Manifest()
		c, err2 := got.ConfigFile()
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		want, none := m.Annotations, c.Config.Labels
		if !oci {
			want, none = none, want
		}
		if diff := cmp.Diff(map[string]string{name: "as:asked", digest: to.Digest.String()}, want); diff != "" || len(none) > 0 {
			t.Errorf("%s: %s, and %v", format, diff, none)
		}
	}
	local := newBase(t, sample.Options{OSVersion: thisMonth})
	local.Name, local.Index = "oci:dir", nil
	img, _ := build(t, newApp(t), from, builder.Overrides{})
	labels := configOf(t, img).Config.Labels
	labels[digest] = local.Digest.String()
	delete(labels, "dev.nanobuild.base.index")
	c, err := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: local, Clock: commitTime}).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(labels, c.Config.Labels); diff != "" {
		t.Errorf("a local base: %s", diff)
	}
}

// TestRebaseIgnoresTheBaseOfTheBase, which labels of the base name.
func TestRebaseIgnoresTheBaseOfTheBase(t *testing.T) {
	t.Parallel()
	with := func(version, digest string) sample.Options {
		return sample.Options{OSVersion: version, ExtraConfig: map[string]any{"config.Labels": map[string]string{"org.opencontainers.image.base.digest": digest}}}
	}
	from, to := newBase(t, with(lastMonth, oldDigest)), newBase(t, with(thisMonth, strings.Replace(oldDigest, "0", "1", 1)))
	app := newApp(t)
	app.Properties["ContainerGenerateLabels"] = "false"
	img, _ := build(t, app, from, builder.Overrides{Format: "oci"})
	got := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to})
	m, err1 := got.Manifest()
	c, err2 := got.ConfigFile()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	const digest = "org.opencontainers.image.base.digest"
	if m.Annotations[digest] != to.Digest.String() || c.Config.Labels[digest] != strings.Replace(oldDigest, "0", "1", 1) {
		t.Errorf("annotations %v, labels %v", m.Annotations, c.Config.Labels)
	}
}

func TestRebaseCreated(t *testing.T) {
	t.Parallel()
	const sampleTime = "2026-08-11T03:04:05.0000000Z"
	from, to := newBase(t, sample.Options{OSVersion: lastMonth}), newBase(t, sample.Options{OSVersion: thisMonth})
	img, _ := build(t, newApp(t), from, builder.Overrides{})
	later := existing(t, img)
	for name, tt := range map[string]struct {
		image builder.Existing
		clock layers.Clock
		want  string
	}{
		"the image's":    {later, layers.Clock{}, `"created":"2026-09-10T00:26:40Z"`},
		"the base's":     {edited(t, later, `},"created":"2026-09-10T00:26:40Z"`, `},"created":"2026-08-11T03:04:04Z"`), layers.Clock{}, `"created":"` + sampleTime + `"`},
		"of none":        {edited(t, later, `},"created":"2026-09-10T00:26:40Z"`, `}`), layers.Clock{}, `"created":"` + sampleTime + `"`},
		"the clock's":    {later, layers.Clock{Seconds: 5, Known: true}, `"created":"1970-01-01T00:00:05Z"`},
		"the label's":    {later, layers.Clock{Seconds: 5, Known: true}, `"org.opencontainers.image.created":"1970-01-01T00:00:05Z"`},
		"a label alone":  {edited(t, later, `image.created":"2026`, `image.created":"2025`), layers.Clock{Seconds: 5, Known: true}, `image.created":"2025`},
		"of the history": {later, layers.Clock{Seconds: 5, Known: true}, `{"created":"2026-09-10T00:26:40Z","created_by":"nanobuild: app layer"`},
	} {
		got := existing(t, rebase(t, builder.RebaseRequest{Image: tt.image, OldBase: asOld(from), New: to, Clock: tt.clock}))
		if !strings.Contains(string(got.Config), tt.want) {
			t.Errorf("%s: no %s in %s", name, tt.want, got.Config)
		}
	}
}

// TestRebaseTakesLayersFromItsCaller, and reads none of them itself.
func TestRebaseTakesLayersFromItsCaller(t *testing.T) {
	t.Parallel()
	from, to := newBase(t, sample.Options{OSVersion: lastMonth}), newBase(t, sample.Options{OCI: true, OSVersion: thisMonth})
	img, _ := build(t, newApp(t), from, builder.Overrides{Single: true})
	var asked []v1.Descriptor
	r := builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to}
	r.Layer = func(d v1.Descriptor) v1.Layer { asked = append(asked, d); return &remoteLayer{d} }
	got := rebase(t, r)
	all, err := got.Layers()
	if err != nil || len(all) != 2 || len(asked) != 1 || asked[0].MediaType != types.OCILayer {
		t.Errorf("asked for %v, layers %v, %v", asked, all, err)
	}
	if _, mine := all[1].(*remoteLayer); !mine {
		t.Errorf("the layer is a %T", all[1])
	}
	r.Layer = nil
	if all, err = rebase(t, r).Layers(); err != nil {
		t.Fatal(err)
	}
	id, err := all[1].DiffID()
	if _, unread := all[1].Compressed(); unread == nil || err != nil || id.Hex == "" {
		t.Errorf("a layer that nobody has: %s, %v, %v", id, err, unread)
	}
}

// TestRebaseFindsLayersByContent: a registry may hold the base compressed anew.
func TestRebaseFindsLayersByContent(t *testing.T) {
	t.Parallel()
	from, to := newBase(t, sample.Options{OSVersion: lastMonth, Uncompressed: true}), newBase(t, sample.Options{OSVersion: thisMonth})
	app := newApp(t)
	img, _ := build(t, app, newBase(t, sample.Options{OSVersion: lastMonth}), builder.Overrides{})
	want, _ := build(t, app, to, builder.Overrides{})
	wantSameImage(t, want, rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to, Clock: commitTime}))
}

func TestRebaseOntoTheSameBase(t *testing.T) {
	t.Parallel()
	b := newBase(t, sample.Options{OSVersion: lastMonth})
	img, _ := build(t, newApp(t), b, builder.Overrides{})
	old := existing(t, img)
	changed := newBase(t, sample.Options{OSVersion: lastMonth, Env: []string{"A=1"}})
	for name, tt := range map[string]struct {
		r    builder.RebaseRequest
		want bool
	}{
		"as recorded":       {builder.RebaseRequest{Image: old, OldBase: asOld(b), New: b, Clock: layers.Clock{Seconds: 1, Known: true}}, true},
		"gone":              {builder.RebaseRequest{Image: old, New: b}, true},
		"a list":            {builder.RebaseRequest{Image: edited(t, old, b.Digest.String(), b.Index.String()), OldBase: asOld(b), New: b}, true},
		"with a new config": {builder.RebaseRequest{Image: old, OldBase: asOld(b), New: changed}, false},
		"recorded wrongly":  {builder.RebaseRequest{Image: edited(t, old, b.Digest.String(), oldDigest), OldBase: asOld(b), New: b}, false},
		"without a version": {builder.RebaseRequest{Image: edited(t, old, `"os.version":"`+lastMonth+`",`, ""), OldBase: asOld(b), New: b}, false},
		"with features":     {builder.RebaseRequest{Image: edited(t, old, `"os":"windows"`, `"os":"windows","os.features":["win32k"]`), OldBase: asOld(b), New: b}, false},
	} {
		got := rebase(t, tt.r)
		if got.Current != tt.want || got.Current != (len(got.Changes) == 0) {
			t.Errorf("%s: current %v, changes %q", name, got.Current, got.Changes)
		}
		if e := existing(t, got); got.Current && (e.Digest != tt.r.Image.Digest || string(e.Config) != string(tt.r.Image.Config)) {
			t.Errorf("%s: other bytes", name)
		}
	}
}
