//go:build !nosign

package flow

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// vouching is a verifier that finds all manifests signed, apart from those that it
// refuses, with the same attestations about each.
type vouching struct {
	attested []sign.Attestation
	refused  map[v1.Hash]error
	asked    []v1.Hash
}

func (v *vouching) Verify(_ context.Context, repo *distribution.Repository, subject v1.Hash) (*sign.Verified, error) {
	v.asked = append(v.asked, subject)
	if err := v.refused[subject]; err != nil {
		return nil, err
	}
	return &sign.Verified{Format: sign.Tags, Signatures: []sign.Signature{{}}, Attestations: v.attested}, nil
}

// verifying is what is asked of the image besides its signature.
func verifying(image string, asked policy.Policy) VerifyOptions {
	asked.Key = "cosign.pub"
	return VerifyOptions{Image: image, Asked: asked}
}

func verifyBy(t *testing.T, v sign.Verifier, o VerifyOptions, d Deps) (*Verification, error) {
	t.Helper()
	ref, mirrors, err := o.check()
	if err != nil {
		t.Fatal(err)
	}
	return o.verifyBy(t.Context(), v, ref, mirrors, d)
}

// verdicts are the checks in one line each, with what begins their details.
func verdicts(v *Verification) []string {
	var all []string
	for _, c := range v.Checks {
		all = append(all, strings.TrimSpace(c.Name+" "+c.Wanted)+" "+string(c.Verdict))
	}
	return all
}

func detailOf(t *testing.T, v *Verification, name string) Check {
	t.Helper()
	i := slices.IndexFunc(v.Checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %s in %q", name, verdicts(v))
	}
	return v.Checks[i]
}

// published is an image of the sample application on a base, under demo:v1.
func (w *world) published(t *testing.T, bases ...string) string {
	t.Helper()
	o := w.options(w.app(t, "out", "hi"))
	o.Bases, o.Targets = bases, Targets{Repo: w.host + "/demo", Tags: []string{"v1"}}
	if _, err := Publish(t.Context(), o, w.Deps); err != nil {
		t.Fatal(err)
	}
	return w.host + "/demo:v1"
}

// TestVerifyListsAllChecks: what was not asked is there too, and says with which flag it
// would be.
func TestVerifyListsAllChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := w.published(t, w.base)
	v := &vouching{}
	found, err := verifyBy(t, v, verifying(image, policy.Policy{}), w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"signature pass", "attestation skipped", "builder-id skipped", "source skipped", "base skipped", "base-age skipped", "supported skipped", "lint skipped", "runs-on skipped"}
	if got := verdicts(found); !slices.Equal(got, want) || found.Verdict != Passed || found.Image != image {
		t.Errorf("%s %s: %q, want %q", found.Image, found.Verdict, got, want)
	}
	for _, c := range found.Checks[1:] {
		if !strings.HasPrefix(c.Detail, "not asked: --") || c.Image != "" {
			t.Errorf("%+v", c)
		}
	}
	if len(v.asked) != 1 || v.asked[0].String() != found.Digest || found.Checks[0].Image != found.Digest || len(found.Signatures) != 1 {
		t.Errorf("asked for %v, found %+v", v.asked, found)
	}
	raw, err := json.Marshal(found)
	if err != nil || !strings.Contains(string(raw), `"signatures":[{"image":"`+found.Digest+`","format":"tags","signatures":[{"logged":false}]}]`) {
		t.Errorf("%s, %v", raw, err)
	}
	noTempLeft(t, w.TempRoot)
}

// TestVerifyEverything asks for all at once, of an image for which it holds.
func TestVerifyEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Now = func() time.Time { return lateNovember }
	w.patches(t, "10.0.20348.4171")
	line := w.host + "/windows/nanoserver:ltsc2022"
	image := w.published(t, line)
	v := &vouching{attested: []sign.Attestation{
		{PredicateType: sign.PredicateSPDX, Predicate: json.RawMessage(`{"spdxVersion":"SPDX-2.3"}`)}, {PredicateType: sign.PredicateSLSA, Predicate: json.RawMessage(githubs)}, {PredicateType: "https://example.com/tests/v1"},
	}}
	found, err := verifyBy(t, v, verifying(image, policy.Policy{
		Require: []string{policy.SBOM, policy.Provenance, "https://example.com/tests/v1"}, BuilderID: githubBuilder, Source: "github.com/me/web",
		BaseIs: line, MaxBaseAge: "0d", Supported: true, Lint: true, RunsOn: []string{"ltsc2022", "ltsc2025"},
	}), w.Deps)
	if err != nil {
		t.Fatalf("%v: %+v", err, found)
	}
	want := []string{
		"signature pass", "attestation sbom pass", "attestation provenance pass", "attestation https://example.com/tests/v1 pass", "builder-id " + githubBuilder + " pass",
		"source github.com/me/web pass", "base " + line + " pass", "base-age 0d pass", "supported pass", "lint pass", "runs-on ltsc2022 pass", "runs-on ltsc2025 pass",
	}
	if got := verdicts(found); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for name, want := range map[string]string{
		CheckSupported: "Windows Server 2022 is supported until 2031-10-14; .NET 10.0.0 is supported until 2028-11-14",
		CheckLint:      "7 layers read",
		CheckRunsOn:    "Windows Server 2022 runs it in a process",
	} {
		if c := detailOf(t, found, name); c.Detail != want || c.OSVersion != "10.0.20348.4171" {
			t.Errorf("%+v, want %s", c, want)
		}
	}
	noTempLeft(t, w.TempRoot)
}

// TestVerifyRefusesASignature: the reason and the advice of the verifier are told, and
// what is attested does not count.
func TestVerifyRefusesASignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := w.published(t, w.base)
	digest := w.digest(t, image)
	v := &vouching{refused: map[v1.Hash]error{digest: &sign.VerifyError{Subject: "s", Reason: sign.WrongKey, Why: "no signature fits the key", Try: "Name the other key with --key."}}}
	found, err := verifyBy(t, v, verifying(image, policy.Policy{Require: []string{policy.SBOM}, BuilderID: "x", Source: "y", RunsOn: []string{"ltsc2022"}}), w.Deps)
	if stageOf(err) != StageSign || !strings.Contains(err.Error(), image) || !strings.HasSuffix(err.Error(), ": signature, attestation, builder-id, source") {
		t.Errorf("error %v", err)
	}
	if c := detailOf(t, found, CheckSignature); c.Reason != "wrong key" || c.Detail != "no signature fits the key; name the other key with --key" {
		t.Errorf("%+v", c)
	}
	for _, name := range []string{CheckAttestation, CheckBuilder, CheckSource} {
		if c := detailOf(t, found, name); c.Verdict != Failed || !strings.Contains(c.Detail, "no valid signature") {
			t.Errorf("%+v", c)
		}
	}
	if c := detailOf(t, found, CheckRunsOn); c.Verdict != Passed || found.Verdict != Failed || len(found.Signatures) > 0 {
		t.Errorf("%+v, %+v", c, found)
	}
}

// TestVerifyCannotRead: trouble with the registry is no verdict.
func TestVerifyCannotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := w.published(t, w.base)
	if found, err := verifyBy(t, &vouching{}, verifying(w.host+"/gone:v1", policy.Policy{}), w.Deps); stageOf(err) != StageBase || found != nil {
		t.Errorf("missing: %+v, %v", found, err)
	}
	for _, trouble := range []error{
		&distribution.Error{Doing: "read tags of", Kind: distribution.Trouble, Err: http.ErrServerClosed},
		os.ErrDeadlineExceeded,
	} {
		v := &vouching{refused: map[v1.Hash]error{w.digest(t, image): trouble}}
		if found, err := verifyBy(t, v, verifying(image, policy.Policy{}), w.Deps); stageOf(err) != StageBase || found != nil || !strings.Contains(err.Error(), "verify "+w.host+"/demo@sha256:") {
			t.Errorf("%v: %+v, stage %d: %v", trouble, found, stageOf(err), err)
		}
	}
	w.put(t, sample.Options{OS: "linux", NoOSVersion: true}, "linux:v1")
	if _, err := verifyBy(t, &vouching{}, verifying(w.host+"/linux:v1", policy.Policy{}), w.Deps); stageOf(err) != StageBase || !strings.Contains(err.Error(), "linux") {
		t.Errorf("Linux: %v", err)
	}
}

// TestVerifyIndex: the index and each image for Windows must be signed; a host needs
// one image of it.
func TestVerifyIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	index := indexOf(t, sample.Options{OSVersion: "10.0.26100.32995", Layers: 2}, sample.Options{OSVersion: "10.0.17763.7314", Layers: 2}, sample.Options{OS: "linux", NoOSVersion: true})
	ref := w.host + "/many:v1"
	if err := remote.WriteIndex(reference(t, ref), index); err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	v := &vouching{attested: []sign.Attestation{{PredicateType: sign.PredicateCycloneDX, Predicate: json.RawMessage(`{"bomFormat":"CycloneDX"}`)}}}
	asked := policy.Policy{Require: []string{policy.SBOM}, Lint: true, RunsOn: []string{"ltsc2019", "ltsc2025", "ltsc2022/hyperv"}}
	found, err := verifyBy(t, v, verifying(ref, asked), w.Deps)
	if err != nil {
		t.Fatalf("%v: %+v", err, found)
	}
	want := []v1.Hash{w.digest(t, ref), m.Manifests[0].Digest, m.Manifests[1].Digest}
	if !slices.Equal(v.asked, want) || found.Digest != want[0].String() {
		t.Errorf("asked for %v, want %v", v.asked, want)
	}
	var attested, linted []string
	for _, c := range found.Checks {
		switch {
		case c.Name == CheckAttestation:
			attested = append(attested, c.OSVersion)
		case c.Name == CheckLint:
			linted = append(linted, string(c.Verdict)+" "+c.OSVersion)
		case c.Name == CheckRunsOn && (c.Verdict != Passed || c.OSVersion == ""):
			t.Errorf("%+v", c)
		}
	}
	if strings.Join(attested, " ") != "10.0.26100.32995 10.0.17763.7314" || strings.Join(linted, ",") != "pass 10.0.26100.32995,pass 10.0.17763.7314,pass " {
		t.Errorf("attested %q, linted %q", attested, linted)
	}
	v.refused = map[v1.Hash]error{m.Manifests[1].Digest: &sign.VerifyError{Reason: sign.Unsigned, Why: "it is not signed"}}
	asked.RunsOn = []string{"ltsc2022", "ltsc2016"}
	found, err = verifyBy(t, v, verifying(ref, asked), w.Deps)
	if stageOf(err) != StageSign || !strings.HasSuffix(err.Error(), ": signature, attestation, runs-on") {
		t.Errorf("error %v", err)
	}
	for _, c := range found.Checks {
		if c.Name == CheckSignature && (c.Verdict == Failed) != (c.Image == m.Manifests[1].Digest.String()) {
			t.Errorf("%+v", c)
		}
		if c.Name == CheckRunsOn && (c.Verdict != Failed || c.Image != found.Digest || !strings.Contains(c.Detail, "--base "+c.Wanted)) {
			t.Errorf("%+v", c)
		}
	}
}

// TestVerifyOddIndexes: what cannot be verified whole is no verdict.
func TestVerifyOddIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	outer, err := sample.Index()
	if err != nil {
		t.Fatal(err)
	}
	linux := indexOf(t, sample.Options{OS: "linux", NoOSVersion: true})
	for name, c := range map[string]struct {
		index v1.ImageIndex
		want  string
	}{
		"empty":  {outer, "no image for Windows"},
		"linux":  {linux, "no image for Windows"},
		"nested": {mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: linux}), "an index inside an index"},
		"faulty": {indexOf(t, sample.Options{OSVersion: "10.0.20348.1", Layers: 2}, sample.Options{OSVersion: "10.0.20348.2", Layers: 2}), ""},
	} {
		if err := remote.WriteIndex(reference(t, w.host+"/odd:"+name), c.index); err != nil {
			t.Fatal(err)
		}
		found, err := verifyBy(t, &vouching{}, verifying(w.host+"/odd:"+name, policy.Policy{Lint: true}), w.Deps)
		switch {
		case c.want != "" && (stageOf(err) != StageBase || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", name, err, c.want)
		case c.want == "" && (stageOf(err) != StageSign || found == nil || !strings.Contains(found.Checks[len(found.Checks)-2].Detail, "same Windows build")):
			t.Errorf("%s: %v, %+v", name, err, found)
		}
	}
}

func TestVerifyUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.WorkDir, "large.json"), make([]byte, maxSettings+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		image string
		asked policy.Policy
		want  string
	}{
		{"oci:dir", policy.Policy{Key: "k"}, "nanobuild push oci:dir --repo"},
		{"tar:a.tar", policy.Policy{Key: "k"}, "nanobuild push tar:a.tar"},
		{"https://ghcr.io/me/web", policy.Policy{Key: "k"}, "without https://"},
		{"ghcr.io/me/web:v1", policy.Policy{}, "--unsigned"},
		{"ghcr.io/me/web:v1", policy.Policy{Unsigned: true, MaxBaseAge: "x"}, "--max-base-age"},
		{"ghcr.io/me/web:v1", policy.Policy{Identity: "a", Issuer: "b", TrustedRoot: "none.json"}, "--trusted-root none.json"},
		{"ghcr.io/me/web:v1", policy.Policy{Identity: "a", Issuer: "b", TrustedRoot: "large.json"}, "more than any such file"},
		{"ghcr.io/me/web:v1", policy.Policy{Key: "k", Annotations: []string{"a=1", "a=2"}}, "--annotation asks for a=1 and for a=2"},
	} {
		found, err := Verify(t.Context(), VerifyOptions{Image: c.image, Asked: c.asked}, w.Deps)
		if stageOf(err) != StageUsage || found != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %+v: stage %d, %v; want %s", c.image, c.asked, stageOf(err), err, c.want)
		}
	}
	o := VerifyOptions{Image: "ghcr.io/me/web:v1", Asked: policy.Policy{Unsigned: true}, NetworkOptions: NetworkOptions{Insecure: []string{"http://x"}}}
	if _, err := Verify(t.Context(), o, w.Deps); stageOf(err) != StageUsage || !strings.Contains(err.Error(), "--insecure") {
		t.Errorf("host: %v", err)
	}
}

// TestVerifyUnsigned says loudly that nobody vouches for the image.
func TestVerifyUnsigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	found, err := Verify(t.Context(), VerifyOptions{Image: w.published(t, w.base), Asked: policy.Policy{Unsigned: true, RunsOn: []string{"ltsc2022"}}}, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.log.String(), "level=WARN") || !strings.Contains(w.log.String(), "--unsigned") {
		t.Errorf("log %s", w.log)
	}
	if c := detailOf(t, found, CheckSignature); c.Verdict != Skipped || !strings.Contains(c.Detail, "anybody may have made this image") {
		t.Errorf("%+v", c)
	}
}

func TestReadPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(w.WorkDir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("deploy/policy.yaml", "key: keys/cosign.pub\ntrusted-root: root.json\n")
	got, stated, err := ReadPolicy("deploy/policy.yaml", w.Deps)
	if err != nil || got.Key != filepath.Join("deploy", "keys", "cosign.pub") || got.TrustedRoot != filepath.Join("deploy", "root.json") || !got.Lint || len(stated) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, key := range []string{"env://PUBLIC", "awskms:///alias/a", filepath.Join(w.WorkDir, "a.pub")} {
		write("deploy/policy.yaml", "key: '"+key+"'\n")
		if got, _, err := ReadPolicy("deploy/policy.yaml", w.Deps); err != nil || got.Key != key {
			t.Errorf("%+v, %v; want %s", got, err, key)
		}
	}
	write("bad.yaml", "key: cosign.pub\nsuported: true\n")
	if _, _, err := ReadPolicy("bad.yaml", w.Deps); stageOf(err) != StageUsage || !strings.Contains(err.Error(), "--policy bad.yaml: line 2, column 1") || !strings.Contains(err.Error(), "supported") {
		t.Errorf("mistake: %v", err)
	}
	if _, _, err := ReadPolicy("none.yaml", w.Deps); stageOf(err) != StageUsage || !strings.Contains(err.Error(), "--policy none.yaml") {
		t.Errorf("missing: %v", err)
	}
}

func (w *world) digest(t *testing.T, ref string) v1.Hash {
	t.Helper()
	d, err := remote.Head(reference(t, ref))
	if err != nil {
		t.Fatal(err)
	}
	return d.Digest
}
