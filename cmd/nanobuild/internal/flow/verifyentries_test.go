//go:build !nosign

package flow

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/publish/sign"
)

func TestWindowsMayTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		entry v1.Descriptor
		want  bool
	}{
		{"windows", v1.Descriptor{Platform: &v1.Platform{OS: "windows", Architecture: "amd64"}}, true},
		{"capitals", v1.Descriptor{Platform: &v1.Platform{OS: "Windows"}}, true},
		{"no name", v1.Descriptor{Platform: &v1.Platform{Architecture: "amd64"}}, true},
		{"no platform", v1.Descriptor{MediaType: types.DockerManifestSchema2}, true},
		{"annotated", v1.Descriptor{Platform: &v1.Platform{OS: "windows"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}, true},
		{"of another type", v1.Descriptor{MediaType: "application/x", Platform: &v1.Platform{OS: "windows"}}, true},
		{"linux", v1.Descriptor{MediaType: types.DockerManifestSchema2, Platform: &v1.Platform{OS: "linux"}}, false},
		{"BuildKit's attestation", v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}, false},
	} {
		if got := windowsMayTake(c.entry); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// editedIndex writes an index of two images, with other entries than its tool would.
func (w *world) editedIndex(t *testing.T, change func([]v1.Descriptor)) (ref string, m *v1.IndexManifest) {
	t.Helper()
	index := indexOf(t, sample.Options{OSVersion: "10.0.20348.4171", Layers: 2}, sample.Options{OSVersion: "10.0.17763.7314", Layers: 2})
	ref = w.host + "/edited:v1"
	if err := remote.WriteIndex(reference(t, ref), index); err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	change(m.Manifests)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Put(reference(t, ref), document{raw, m.MediaType}); err != nil {
		t.Fatal(err)
	}
	return ref, m
}

type document struct {
	raw       []byte
	mediaType types.MediaType
}

func (d document) RawManifest() ([]byte, error)        { return d.raw, nil }
func (d document) MediaType() (types.MediaType, error) { return d.mediaType, nil }

// TestVerifyLooksAtEveryEntry: an image that a Windows host may take must be signed,
// however its entry is written, and sign signs it.
func TestVerifyLooksAtEveryEntry(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1.Descriptor){
		"no system":   func(d *v1.Descriptor) { d.Platform = &v1.Platform{Architecture: "amd64"} },
		"no platform": func(d *v1.Descriptor) { d.Platform = nil },
		"annotated": func(d *v1.Descriptor) {
			d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
		},
		"capitals": func(d *v1.Descriptor) { d.Platform.OS = "WINDOWS" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.keyPair(t, "cosign")
			ref, m := w.editedIndex(t, func(entries []v1.Descriptor) { change(&entries[1]) })
			v := &vouching{refused: map[v1.Hash]error{m.Manifests[1].Digest: &sign.VerifyError{Reason: sign.Unsigned, Why: "it is not signed"}}}
			if _, err := verifyBy(t, v, verifying(ref, policy.Policy{}), w.Deps); stageOf(err) != StageSign || !strings.HasSuffix(err.Error(), ": signature") {
				t.Errorf("one is unsigned: %v", err)
			}
			if err := Sign(t.Context(), SignOptions{Image: w.host + "/edited@" + w.digest(t, ref).String(), Signing: SigningOptions{
				Key: "cosign.key", Format: "tags", Password: func(context.Context) ([]byte, error) { return []byte("secret"), nil },
			}}, w.Deps); err != nil {
				t.Fatal(err)
			}
			if found, err := Verify(t.Context(), VerifyOptions{Image: ref, Asked: policy.Policy{Key: "cosign.pub"}}, w.Deps); err != nil || len(found.Signatures) != 3 {
				t.Errorf("signed: %v, %+v", err, found)
			}
		})
	}
}

// TestVerifyEntriesTellTheTruth: hosts choose by the entries of an index, and not by the
// configs.
func TestVerifyEntriesTellTheTruth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*v1.Descriptor)
		lint   string // "" passes
		runs   bool   // on ltsc2022
	}{
		"the truth":     {func(*v1.Descriptor) {}, "", true},
		"another build": {func(d *v1.Descriptor) { d.Platform.OSVersion = "10.0.26100.1" }, "10.0.26100.1", false},
		"no version":    {func(d *v1.Descriptor) { d.Platform.OSVersion = "" }, "the entry is for windows/amd64", false},
		"architecture":  {func(d *v1.Descriptor) { d.Platform.Architecture = "arm64" }, "arm64", false},
		"no system":     {func(d *v1.Descriptor) { d.Platform.OS = "" }, `the entry names the system ""`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ref, _ := w.editedIndex(t, func(entries []v1.Descriptor) { c.change(&entries[0]) })
			found, err := verifyBy(t, &vouching{}, verifying(ref, policy.Policy{Lint: true, RunsOn: []string{"ltsc2022"}}), w.Deps)
			if found == nil {
				t.Fatal(err)
			}
			for _, check := range found.Checks {
				switch {
				case check.Name == CheckLint && check.OSVersion == "":
					if (check.Verdict == Passed) != (c.lint == "") || !strings.Contains(check.Detail, c.lint) {
						t.Errorf("%+v, want %q", check, c.lint)
					}
				case check.Name == CheckRunsOn && (check.Verdict == Passed) != c.runs:
					t.Errorf("%+v, want %v", check, c.runs)
				}
			}
		})
	}
}

// TestVerifyNestedIndex: what an entry calls an image, and is an index, is no image.
func TestVerifyNestedIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inner := indexOf(t, sample.Options{})
	if err := remote.WriteIndex(reference(t, w.host+"/edited:inner"), inner); err != nil {
		t.Fatal(err)
	}
	digest, err := inner.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, _ := w.editedIndex(t, func(entries []v1.Descriptor) { entries[1].Digest = digest })
	if found, err := verifyBy(t, &vouching{}, verifying(ref, policy.Policy{}), w.Deps); found != nil || stageOf(err) != StageBase || !strings.Contains(err.Error(), "an index inside an index") {
		t.Errorf("%+v, %v", found, err)
	}
}
