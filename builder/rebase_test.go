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

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// The os.version of the old bases, and of the new ones.
const (
	lastMonth = "10.0.20348.4171"
	thisMonth = "10.0.20348.4294"
)

// existing is an image as a registry would serve it.
func existing(t testing.TB, img v1.Image) builder.Existing {
	t.Helper()
	manifest, err1 := img.RawManifest()
	config, err2 := img.RawConfigFile()
	digest, err3 := img.Digest()
	mediaType, err4 := img.MediaType()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	return builder.Existing{Digest: digest, MediaType: mediaType, Manifest: manifest, Config: config}
}

// asOld is a base as one that images were built on.
func asOld(b *base.Base) *builder.Existing {
	return &builder.Existing{Digest: b.Digest, MediaType: b.MediaType, Manifest: b.Manifest, Config: b.Config}
}

func rebase(t testing.TB, r builder.RebaseRequest) *builder.Rebased {
	t.Helper()
	img, err := builder.Rebase(r)
	if err != nil {
		t.Fatalf("rebase: %v", err)
	}
	return img
}

// bases are pairs of an old base and the new one in its place.
func bases() map[string][2]sample.Options {
	unknown := func(n int) map[string]any {
		return map[string]any{
			"x-own": map[string]any{"n": n}, "docker_version": fmt.Sprint(n), "config.Shell": []string{"powershell", fmt.Sprint(n)},
			"config.Labels": map[string]string{"of": "base", "release": fmt.Sprint(n), fmt.Sprintf("only-%d", n): "x"},
		}
	}
	return map[string][2]sample.Options{
		"patches":           {{}, {}},
		"more layers":       {{}, {Layers: 3}},
		"fewer layers":      {{Layers: 3}, {}},
		"the first layer":   {{Layers: 3, OSVersion: thisMonth}, {Layers: 2}},
		"OCI":               {{OCI: true}, {OCI: true}},
		"Docker to OCI":     {{}, {OCI: true}},
		"OCI to Docker":     {{OCI: true}, {}},
		"plain tars":        {{}, {Uncompressed: true}},
		"no longer foreign": {{Foreign: true}, {}},
		"variables": {
			{Env: []string{"DOTNET_VERSION=10.0.1", "GONE=1", "Path=C:\\old", "KEEP=1"}},
			{Env: []string{"NEW=1", "dotnet_version=10.0.2", "KEEP=1", "Path=C:\\new"}},
		},
		"first variables": {{}, {Env: []string{"A=new"}}},
		"no variables":    {{Env: []string{"OLD=1"}}, {}},
		"bad variables":   {{Env: []string{"odd", "EMPTY=", "=C:=x"}}, {Env: []string{"odd", "other", "A=1", "a=2"}}},
		"user":            {{User: "ContainerUser"}, {User: "app"}},
		"fewer rights":    {{NoUser: true}, {}},
		"features":        {{}, {OSFeatures: []string{"win32k"}}},
		"no features":     {{OSFeatures: []string{"win32k"}}, {}},
		"ports": {
			{ExtraConfig: map[string]any{"config.ExposedPorts": map[string]any{"80/tcp": struct{}{}, "81/tcp": struct{}{}}}},
			{ExtraConfig: map[string]any{"config.ExposedPorts": map[string]any{"80/tcp": struct{}{}, "443/tcp": struct{}{}}}},
		},
		"volumes":         {{ExtraConfig: map[string]any{"config.Volumes": map[string]any{`C:\a`: struct{}{}}}}, {ExtraConfig: map[string]any{"config.Volumes": map[string]any{`C:\b`: struct{}{}}}}},
		"unknown keys":    {{ExtraConfig: unknown(1)}, {ExtraConfig: unknown(2)}},
		"a health check":  {{ExtraConfig: map[string]any{"config.Healthcheck": map[string]any{"Test": []string{"NONE"}}}}, {}},
		"a command":       {{Cmd: []string{"a.exe"}, ArgsEscaped: true}, {Cmd: []string{"b.exe"}}},
		"arguments":       {{ExtraConfig: map[string]any{"config.Cmd": nil}}, {Cmd: []string{"arg"}, ArgsEscaped: true}},
		"no history":      {{Layers: 2, ExtraConfig: map[string]any{"history": nil}}, {}},
		"now no history":  {{}, {Layers: 2, ExtraConfig: map[string]any{"history": nil}}},
		"too much of it":  {{ExtraConfig: map[string]any{"history": []map[string]string{{}, {}, {}}}}, {Layers: 2}},
		"settings in it":  {{ExtraConfig: map[string]any{"history": []map[string]any{{"created_by": "a"}, {"created_by": "USER x", "empty_layer": true}}}}, {}},
		"HostProcess":     {{NoOSVersion: true, Uncompressed: true}, {NoOSVersion: true, Uncompressed: true, Layers: 2}},
		"a custom rootfs": {{ExtraConfig: map[string]any{"variant": "v1"}}, {ExtraConfig: map[string]any{"variant": "v2"}}},
	}
}

// TestRebaseEqualsABuild puts images on newer bases, and builds them there.
func TestRebaseEqualsABuild(t *testing.T) {
	t.Parallel()
	for name, pair := range bases() {
		if pair[0].OSVersion == "" {
			pair[0].OSVersion = lastMonth
		}
		pair[1].OSVersion = thisMonth
		for how, o := range map[string]builder.Overrides{
			"plain": {},
			"flags": {
				Env: []string{"a=mine", "path=C:\\Windows\\System32;C:\\mine", "MINE=1"}, Labels: []string{"own=flag", "release=mine"},
				User: "ContainerAdministrator", Ports: []string{"82", "9000/udp"}, Cmd: []string{"x"}, Single: true,
			},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				app, from, to := newWebApp(t, "10.0.12"), newBase(t, pair[0]), newBase(t, pair[1])
				old, _ := build(t, app, from, o)
				want, _ := build(t, app, to, o)
				got := rebase(t, builder.RebaseRequest{Image: existing(t, old), OldBase: asOld(from), New: to, Clock: commitTime})
				wantSameImage(t, want, got)
				if got.Current || len(got.Changes) < 2 {
					t.Errorf("changes %q", got.Changes)
				}
				again := rebase(t, builder.RebaseRequest{Image: existing(t, got), OldBase: asOld(to), New: to})
				if !again.Current || cmp.Diff(existing(t, got), existing(t, again)) != "" {
					t.Errorf("the second time, %q changes", again.Changes)
				}
			})
		}
	}
}

// wantSameImage compares images byte for byte, or else says where they differ.
func wantSameImage(t *testing.T, want, got v1.Image) {
	t.Helper()
	a, b := existing(t, want), existing(t, got)
	if a.Digest != b.Digest || a.MediaType != b.MediaType {
		t.Errorf("config: %s", cmp.Diff(pretty(t, a.Config), pretty(t, b.Config)))
		t.Errorf("manifest: %s", cmp.Diff(pretty(t, a.Manifest), pretty(t, b.Manifest)))
	}
	wanted, err1 := want.Layers()
	have, err2 := got.Layers()
	if err := errors.Join(err1, err2); err != nil || len(wanted) != len(have) {
		t.Fatalf("%d layers instead of %d, %v", len(have), len(wanted), err)
	}
	for i := range wanted {
		x, err1 := wanted[i].Digest()
		y, err2 := have[i].Digest()
		if err := errors.Join(err1, err2); err != nil || x != y {
			t.Errorf("layer %d is %s, want %s (%v)", i, y, x, err)
		}
	}
}

// pretty is JSON with a line for each value, in the order in which it is.
func pretty(t *testing.T, raw []byte) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetIndent("", " ")
	if err := enc.Encode(json.RawMessage(raw)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRebaseWhereTheOldBaseIsGone: settings stay.
func TestRebaseWhereTheOldBaseIsGone(t *testing.T) {
	t.Parallel()
	from := newBase(t, sample.Options{Layers: 2, Env: []string{"V=1"}, OSVersion: lastMonth})
	to := newBase(t, sample.Options{Env: []string{"V=2", "W=2"}, NoUser: true, OSVersion: thisMonth})
	old, _ := build(t, newApp(t), from, builder.Overrides{})
	got := rebase(t, builder.RebaseRequest{Image: existing(t, old), New: to})
	if !mentions(got.Warnings, "gone", "--old-base") {
		t.Errorf("warnings %q", got.Warnings)
	}
	c, err := got.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c.OSVersion != thisMonth || c.Config.User != "ContainerUser" || !slices.Equal(c.Config.Env, []string{"V=1", "DOTNET_RUNNING_IN_CONTAINER=true"}) {
		t.Errorf("config %+v", c)
	}
	m, err := old.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if want := len(m.Layers) - 1; len(c.RootFS.DiffIDs) != want || len(c.History) != want {
		t.Errorf("%d layers and %d steps, want %d", len(c.RootFS.DiffIDs), len(c.History), want)
	}
}

// TestRebaseOfStrangeHistories: what is told of the application stays, and each
// layer has one entry.
func TestRebaseOfStrangeHistories(t *testing.T) {
	t.Parallel()
	from, to := newBase(t, sample.Options{Layers: 2, OSVersion: lastMonth}), newBase(t, sample.Options{OSVersion: thisMonth})
	img, _ := build(t, newApp(t), from, builder.Overrides{Single: true})
	old := existing(t, img)
	var c struct{ History json.RawMessage }
	if err := json.Unmarshal(old.Config, &c); err != nil {
		t.Fatal(err)
	}
	const base, none = "Apply image " + thisMonth, "layer of the image, without a history of its own"
	for history, want := range map[string][]string{
		`[{"created_by":"a"},{"created_by":"x","empty_layer":true},{"created_by":"b"},{"created_by":"y","empty_layer":true},{"created_by":"c"}]`: {base, "(y)", "c"},
		`[{"created_by":"a"},{"created_by":"b"},{"created_by":"c"},{"created_by":"d"}]`:                                                          {base, "d"},
		`[{"created_by":"a"},{"created_by":"z","empty_layer":true}]`:                                                                             {base, "a", "(z)"},
		`[{"created_by":"z","empty_layer":true}]`:                                                                                                {base, none},
		`null`: {base, none},
	} {
		r := builder.RebaseRequest{Image: edited(t, old, string(c.History), history), OldBase: asOld(from), New: to}
		got, err := rebase(t, r).ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, h := range got.History {
			if h.EmptyLayer {
				h.CreatedBy = "(" + h.CreatedBy + ")"
			}
			steps = append(steps, h.CreatedBy)
		}
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Errorf("%s: %s", history, diff)
		}
	}
}

// TestRebaseOfABareBase: an image need not have layers of its own.
func TestRebaseOfABareBase(t *testing.T) {
	t.Parallel()
	from, to := newBase(t, sample.Options{OSVersion: lastMonth}), newBase(t, sample.Options{Layers: 2, OSVersion: thisMonth})
	old := edited(t, *asOld(from), `"history":[{`, `"history":[{"created_by":"x"},{"empty_layer":true,`)
	got := rebase(t, builder.RebaseRequest{Image: old, OldBase: asOld(from), New: to})
	c, err := got.ConfigFile()
	if err != nil || len(c.History) != 3 || len(c.RootFS.DiffIDs) != 2 || !c.History[2].EmptyLayer {
		t.Errorf("%+v, %v", c, err)
	}
}
