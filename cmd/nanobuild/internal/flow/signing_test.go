package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/publish/sign"
)

func TestPublishSigns(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"", "tags", "bundle"} {
		t.Run("format "+format, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.options(w.app(t, "web", "hello"))
			o.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
			o.Signing = w.withKey(t)
			o.Signing.Format, o.Signing.Annotations = format, []string{"team=web"}
			o.Describe = DescribeOptions{SBOMFile: "sbom.json", ProvenanceFile: "provenance.json", Builder: "https://example.com/builder", Arguments: []string{"publish", "web"}}
			refs, err := Publish(t.Context(), o, w.Deps)
			if err != nil {
				t.Fatal(err)
			}
			said := w.mustVerify(t, refs[0])
			for kind, file := range map[string]string{sign.PredicateSPDX: "sbom.json", sign.PredicateSLSA: "provenance.json"} {
				written, err := os.ReadFile(filepath.Join(w.WorkDir, file))
				if err != nil {
					t.Fatal(err)
				}
				if !sameJSON(t, written, said[kind]) {
					t.Errorf("%s is not what %s holds", kind, file)
				}
			}
			v, _ := w.verified(t, refs[0])
			if v.Signatures[0].Annotations["team"] != "web" {
				t.Errorf("annotations %v", v.Signatures[0].Annotations)
			}
			// A second time nothing is new, and no record is believed.
			o.Cache = w.cacheOf(t, o)
			before := strings.Count(w.log.String(), "packed the app layer")
			again, err := Publish(t.Context(), o, w.Deps)
			if err != nil || !slices.Equal(again, refs) {
				t.Fatal(again, err)
			}
			w.mustVerify(t, refs[0])
			if strings.Count(w.log.String(), "packed the app layer") == before {
				t.Error("the layers were not packed again")
			}
			if !strings.Contains(w.log.String(), "was signed already, nothing new to attest") {
				t.Errorf("log:\n%s", w.log)
			}
			noTempLeft(t, w.TempRoot)
		})
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return false
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// TestIndexIsSigned: the index and each of its images, and each says which base it is on.
func TestIndexIsSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "web", "hello"))
	o.Bases = nil
	for _, version := range []string{"10.0.17763.8000", "10.0.20348.4171"} {
		o.Bases = append(o.Bases, w.baseOf(t, version))
	}
	o.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
	o.Signing = w.withKey(t)
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	whole := w.mustVerify(t, refs[0])
	list := w.entries(t, refs[0])
	if len(list) != 2 || whole[sign.PredicateSPDX] == nil {
		t.Fatalf("%d entries, attested of the index: %d", len(list), len(whole))
	}
	seen := map[string]bool{}
	for _, d := range list {
		said := w.mustVerify(t, w.host+"/shop/web@"+d.Digest.String())
		if said[sign.PredicateSPDX] == nil || said[sign.PredicateSLSA] == nil {
			t.Errorf("%s: attested are %d", d.Platform.OSVersion, len(said))
		}
		if bytes.Equal(said[sign.PredicateSPDX], whole[sign.PredicateSPDX]) || seen[string(said[sign.PredicateSLSA])] {
			t.Errorf("%s: says the same as another image", d.Platform.OSVersion)
		}
		seen[string(said[sign.PredicateSLSA])] = true
	}
}

// TestRebaseSigns: the result is signed, with nothing of the old image's.
func TestRebaseSigns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "web", "hello"))
	w.patches(t, "10.0.20348.4000")
	o.Bases = []string{w.host + "/windows/nanoserver:ltsc2022"}
	o.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
	o.Signing = w.withKey(t)
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	w.patches(t, "10.0.20348.4171")
	done, err := Rebase(t.Context(), RebaseOptions{Images: []string{w.host + "/shop/web:v1"}, Jobs: 1, Signing: o.Signing}, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	if done[0].Ref == refs[0] {
		t.Fatal("nothing was rebased")
	}
	if said := w.mustVerify(t, done[0].Ref); len(said) > 0 {
		t.Errorf("attested: %v", said)
	}
	if !strings.Contains(w.log.String(), "the new image is signed; attest it anew") {
		t.Errorf("log:\n%s", w.log)
	}
}

// TestSignLater: what another job built is signed with the files that it wrote.
func TestSignLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "web", "hello"))
	o.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
	o.Describe = DescribeOptions{SBOM: "cyclonedx", SBOMFile: "sbom.json", ProvenanceFile: "provenance.json", Builder: "https://example.com/builder"}
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	later := SignOptions{Image: refs[0], Signing: w.withKey(t), SBOM: "sbom.json", Provenance: "provenance.json"}
	if _, err := w.verified(t, refs[0]); err == nil {
		t.Fatal("verified before it was signed")
	}
	if err := Sign(t.Context(), later, w.Deps); err != nil {
		t.Fatal(err)
	}
	if said := w.mustVerify(t, refs[0]); said[sign.PredicateCycloneDX] == nil || said[sign.PredicateSLSA] == nil {
		t.Errorf("attested: %v", said)
	}
	for problem, change := range map[string]func(*SignOptions){
		"is a tag":                     func(o *SignOptions) { o.Image = w.host + "/shop/web:v1" },
		"does not name an image":       func(o *SignOptions) { o.Image = "oci:dir" },
		"nobody is to sign":            func(o *SignOptions) { o.Signing = SigningOptions{} },
		"it has no buildDefinition":    func(o *SignOptions) { o.Provenance = "sbom.json" },
		"it is neither SPDX nor":       func(o *SignOptions) { o.SBOM = "provenance.json" },
		"--sbom-file none.json":        func(o *SignOptions) { o.SBOM = "none.json" },
		"two ways to sign":             func(o *SignOptions) { o.Signing.Keyless = true },
		"--sign-format x is unknown":   func(o *SignOptions) { o.Signing.Format = "x" },
		`"team" is not NAME=VALUE`:     func(o *SignOptions) { o.Signing.Annotations = []string{"team"} },
		"are for --sign-keyless":       func(o *SignOptions) { o.Signing.Rekor = "https://rekor.example.com" },
		"--signing-config names all":   func(o *SignOptions) { o.Signing = SigningOptions{Keyless: true, SigningConfig: "x", Fulcio: "y"} },
		"--signing-config none.json: ": func(o *SignOptions) { o.Signing = SigningOptions{Keyless: true, SigningConfig: "none.json"} },
	} {
		wrong := later
		change(&wrong)
		err := Sign(t.Context(), wrong, w.Deps)
		if err == nil || !strings.Contains(err.Error(), problem) || stageOf(err) != StageUsage {
			t.Errorf("want %q, got stage %d: %v", problem, stageOf(err), err)
		}
	}
}

// TestSignIndexLater: each image of an index has documents of its own, in a folder.
func TestSignIndexLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "web", "hello"))
	o.Bases = []string{w.baseOf(t, "10.0.17763.8000"), w.baseOf(t, "10.0.20348.4171")}
	o.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
	o.Describe.SBOMFile, o.Describe.ProvenanceFile = "documents/", "documents/"
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.WorkDir, "one.json"), []byte(`{"spdxVersion":"SPDX-2.3"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	later := SignOptions{Image: refs[0], Signing: w.withKey(t), SBOM: "one.json"}
	if err := Sign(t.Context(), later, w.Deps); stageOf(err) != StageUsage || !strings.Contains(err.Error(), "--sbom-file documents/") {
		t.Errorf("one file for several images: stage %d: %v", stageOf(err), err)
	}
	later.SBOM, later.Provenance = "documents", "documents/"
	if err := Sign(t.Context(), later, w.Deps); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, ref := range append([]string{refs[0]}, w.children(t, refs[0])...) {
		said := w.mustVerify(t, ref)
		if said[sign.PredicateSPDX] == nil || said[sign.PredicateSLSA] == nil || seen[string(said[sign.PredicateSLSA])] {
			t.Errorf("%s: attested are %d, or what was attested of another", ref, len(said))
		}
		seen[string(said[sign.PredicateSLSA])] = true
	}
}

// TestUnsignedIsToldOf: what cannot be signed is pushed all the same, and the message has
// what is needed to sign it.
func TestUnsignedIsToldOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var refused atomic.Int32
	registry := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: w.host})
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".sig") {
			refused.Add(1)
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		registry.ServeHTTP(rw, r)
	}))
	t.Cleanup(proxy.Close)
	host := strings.TrimPrefix(proxy.URL, "http://")
	o := w.options(w.app(t, "web", "hello"))
	o.Targets = Targets{Repo: host + "/shop/web", Tags: []string{"v1"}}
	o.Signing = w.withKey(t)
	refs, err := Publish(t.Context(), o, w.Deps)
	if len(refs) != 1 || stageOf(err) != StageSign || refused.Load() == 0 {
		t.Fatalf("refs %v, refused %d, stage %d: %v", refs, refused.Load(), stageOf(err), err)
	}
	tag, err2 := name.ParseReference(w.host + "/shop/web:v1")
	if err2 != nil {
		t.Fatal(err2)
	}
	pushed, err2 := remote.Head(tag)
	if err2 != nil {
		t.Fatal(err2)
	}
	want := fmt.Sprintf("%s/shop/web@%s", host, pushed.Digest)
	if refs[0] != want || !strings.Contains(err.Error(), want+" is pushed") || !strings.Contains(err.Error(), "run this again") {
		t.Errorf("the message is: %v", err)
	}
}

// TestFormatsAreNotMixed: verifiers look at one format alone.
func TestFormatsAreNotMixed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(w.app(t, "web", "hello"))
	o.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
	o.Signing = w.withKey(t)
	o.Signing.Format = "bundle"
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	o.Signing.Format = ""
	_, err = Publish(t.Context(), o, w.Deps)
	if stageOf(err) != StageSign || !strings.Contains(err.Error(), "run this again with --sign-format bundle") {
		t.Fatalf("stage %d: %v", stageOf(err), err)
	}
	w.mustVerify(t, refs[0])
}

// TestSigningIsCheckedEarly: what can never be signed or described is not built.
func TestSigningIsCheckedEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.withKey(t)
	yes := true
	for problem, change := range map[string]func(*PublishOptions){
		"goes to no registry":                  func(o *PublishOptions) { o.Targets, o.Signing = Targets{}, key },
		"files alone are named":                func(o *PublishOptions) { o.Targets = Targets{Layouts: []string{"out"}}; o.Signing = key },
		"--push=false leaves it alone":         func(o *PublishOptions) { o.Targets.NoPush = true; o.Signing = key },
		"--attest-sbom needs":                  func(o *PublishOptions) { o.Describe.AttestSBOM = &yes },
		"--attest-provenance needs":            func(o *PublishOptions) { o.Describe.AttestProvenance = &yes },
		"--sbom none makes no SBOM":            func(o *PublishOptions) { o.Describe = DescribeOptions{SBOM: "none", SBOMFile: "f"} },
		"--sbom spdx makes an SBOM for nobody": func(o *PublishOptions) { o.Describe.SBOM = "spdx" },
		"for a provenance that nobody gets":    func(o *PublishOptions) { o.Describe.Timestamps = true },
		"--sbom xml is unknown":                func(o *PublishOptions) { o.Describe.SBOM = "xml" },
		"publish each in a run of its": func(o *PublishOptions) {
			o.Projects, o.Targets.Repo = append(o.Projects, w.app(t, "two", "x")), w.host+"/early/"
			o.Describe.SBOMFile = "f"
		},
		"nobody signs; add": func(o *PublishOptions) { o.Signing.Format = "tags" },
	} {
		o := w.options(w.app(t, "web", "hello"))
		o.Targets = Targets{Repo: w.host + "/early/web"}
		change(&o)
		_, err := Publish(t.Context(), o, w.Deps)
		if err == nil || !strings.Contains(err.Error(), problem) || stageOf(err) != StageUsage {
			t.Errorf("want %q, got stage %d: %v", problem, stageOf(err), err)
		}
	}
	o := w.options(w.app(t, "web", "hello"))
	o.Targets = Targets{Repo: w.host + "/early/web"}
	o.Signing = w.withPassword(t, "wrong")
	if _, err := Publish(t.Context(), o, w.Deps); stageOf(err) != StageSign {
		t.Errorf("wrong password: stage %d: %v", stageOf(err), err)
	}
	if len(w.puts.list) > 0 {
		t.Errorf("put: %v", w.puts.list)
	}
}

// TestOnlyOursAreSignedInAnIndex: others' images in an index are theirs to sign.
func TestOnlyOursAreSignedInAnIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.options(w.app(t, "web", "hello"))
	first.Bases, first.Index = []string{w.baseOf(t, "10.0.17763.8000"), w.baseOf(t, "10.0.26100.4349")}, false
	first.Targets = Targets{Repo: w.host + "/shop/web", Tags: []string{"v1"}}
	if _, err := Publish(t.Context(), first, w.Deps); err != nil {
		t.Fatal(err)
	}
	o := w.options(w.app(t, "web", "hello"))
	o.Bases, o.IntoIndex = []string{w.baseOf(t, "10.0.20348.4171")}, w.host+"/shop/web:v1"
	o.Signing = w.withKey(t)
	refs, err := Publish(t.Context(), o, w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	if said := w.mustVerify(t, refs[0]); len(said) > 0 {
		t.Errorf("something is attested of an index with images of others: %v", said)
	}
	for _, d := range w.entries(t, refs[0]) {
		_, err := w.verified(t, w.host+"/shop/web@"+d.Digest.String())
		if ours := strings.HasPrefix(d.Platform.OSVersion, "10.0.20348."); ours != (err == nil) {
			t.Errorf("%s: %v", d.Platform.OSVersion, err)
		}
	}
}

// TestAllImagesOfAnIndexAreSigned: those for other systems too, and no attestations.
func TestAllImagesOfAnIndexAreSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, os := range []string{"linux", "windows", "unknown", ""} {
		image, err := random.Image(100, 1)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: "amd64"}}})
	}
	if err := remote.WriteIndex(reference(t, w.host+"/shop/all:v1"), index); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref := w.host + "/shop/all@" + digest.String()
	if err := Sign(t.Context(), SignOptions{Image: ref, Signing: w.withKey(t)}, w.Deps); err != nil {
		t.Fatal(err)
	}
	w.mustVerify(t, ref)
	for _, d := range w.entries(t, ref) {
		_, err := w.verified(t, w.host+"/shop/all@"+d.Digest.String())
		if signed := d.Platform.OS != "unknown"; signed != (err == nil) {
			t.Errorf("for %q: %v", d.Platform.OS, err)
		}
	}
}
