//go:build !nosign

package sign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/cosign/attestation"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	ctypes "github.com/sigstore/cosign/v2/pkg/types"
)

// TestStoredAsCosign: tags with the same content have the same manifest, byte for byte,
// whether cosign's library wrote them or we did.
func TestStoredAsCosign(t *testing.T) {
	t.Parallel()
	theirs, ours := newGround(t, ggcrRegistry(false)), newGround(t, ggcrRegistry(false))
	entity := ociremote.SignedUnknown(theirs.ref)
	var all []artifact
	for i := range 2 {
		content := []byte(fmt.Sprint("payload ", i))
		sig, err := static.NewSignature(content, base64.StdEncoding.EncodeToString(content), static.WithAnnotations(map[string]string{"x": "<&>"}))
		if err != nil {
			t.Fatal(err)
		}
		if entity, err = mutate.AttachSignatureToEntity(entity, sig); err != nil {
			t.Fatal(err)
		}
		desc, err := describe(content, ctypes.SimpleSigningMediaType, map[string]string{"x": "<&>", static.SignatureAnnotationKey: base64.StdEncoding.EncodeToString(content)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, artifact{desc: desc, content: content})
	}
	if err := ociremote.WriteSignatures(theirs.ref.Repository, entity); err != nil {
		t.Fatal(err)
	}
	if err := writeTag(t.Context(), ours.repo, theirs.subject.Digest, suffixSignatures, all, v1.Hash{}); err != nil {
		t.Fatal(err)
	}
	tag := tagName(theirs.subject.Digest, suffixSignatures)
	if want, got := theirs.tagged(t, tag), ours.tagged(t, tag); !bytes.Equal(got, want) {
		t.Errorf("we wrote\n%s; cosign\n%s", got, want)
	}
	// And what cosign wrote is read as it is.
	got, err := ociremote.SignedUnknown(theirs.ref).Signatures()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := got.Get()
	if read := theirs.layers(t, suffixSignatures); err != nil || len(read) != len(layers) || !maps.Equal(read[1].desc.Annotations, all[1].desc.Annotations) || !bytes.Equal(read[1].content, all[1].content) {
		t.Errorf("we read %+v of %d layers, %v", read, len(layers), err)
	}
}

// TestBundleAsCosign: a bundle's manifest has what cosign's has, but for the time, and
// the config that has nothing in it.
func TestBundleAsCosign(t *testing.T) {
	t.Parallel()
	g := newGround(t, ggcrRegistry(true))
	content := []byte(`{"bundle":true}`)
	if err := ociremote.WriteAttestationNewBundleFormat(g.ref, content, PredicateSPDX); err != nil {
		t.Fatal(err)
	}
	entries, err := listBundles(t.Context(), g.repo, g.subject.Digest)
	if err != nil || len(entries) != 1 {
		t.Fatalf("listBundles = %+v, %v", entries, err)
	}
	raw := g.tagged(t, entries[0].Digest.String())
	var want, got map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	delete(want["annotations"].(map[string]any), "org.opencontainers.image.created")
	delete(want["config"].(map[string]any), "artifactType")
	mine, entry, err := bundleManifest(g.subject, content, PredicateSPDX)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(mine, &got); err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(want), fmt.Sprint(got); a != b {
		t.Errorf("cosign's\n%s\nours\n%s", a, b)
	}
	if entry.ArtifactType != string(bundleType) || entry.Annotations[annotationPredicate] != PredicateSPDX || entry.Annotations[annotationContent] != contentEnvelope {
		t.Errorf("the entry is %+v", entry)
	}
	if bundles, err := readBundles(t.Context(), g.repo, g.subject.Digest); err != nil || string(bundles[0].content) != string(content) {
		t.Errorf("readBundles = %+v, %v", bundles, err)
	}
}

// TestReadsBundlesAlone: what else refers to an image is none of them, nor is what
// names another subject than the list says.
func TestReadsBundlesAlone(t *testing.T) {
	t.Parallel()
	for _, referrers := range []bool{true, false} {
		g := newGround(t, ggcrRegistry(referrers))
		if err := upload(t.Context(), g.repo, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		config, err := describe([]byte("{}"), emptyType, nil)
		if err != nil {
			t.Fatal(err)
		}
		empty := config
		manifest := func(layer types.MediaType, subject v1.Hash) v1.Manifest {
			empty.MediaType = layer
			return v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{empty}, Subject: &v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: 1, Digest: subject}}
		}
		for _, m := range []v1.Manifest{
			manifest("text/spdx+json", g.subject.Digest),
			manifest(bundleType, v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}),
		} {
			raw, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			entry, err := describe(raw, m.MediaType, map[string]string{annotationContent: contentEnvelope})
			if err != nil {
				t.Fatal(err)
			}
			if err := g.repo.PutReferrer(t.Context(), g.subject.Digest, raw, entry); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := writeBundle(t.Context(), g.repo, g.subject, []byte("{}"), "text/mine"); err != nil {
			t.Fatal(err)
		}
		found, err := readBundles(t.Context(), g.repo, g.subject.Digest)
		if err != nil || len(found) != 1 || string(found[0].content) != "{}" || found[0].entry.Annotations[annotationPredicate] != "text/mine" {
			t.Errorf("with referrers %t: readBundles = %+v, %v", referrers, found, err)
		}
	}
}

// TestStoredBounds: more than anybody signs is refused, by its number or its size.
func TestStoredBounds(t *testing.T) {
	t.Parallel()
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}
	g := newGround(t, ggcrRegistry(false))
	many, err := json.Marshal(v1.Manifest{SchemaVersion: 2, Config: v1.Descriptor{Digest: hash}, Layers: slices.Repeat([]v1.Descriptor{{Digest: hash}}, maxArtifacts+1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := layersIn(many); err == nil || !strings.Contains(err.Error(), "1001 layers") {
		t.Errorf("layersIn = %v", err)
	}
	if _, err := readLayers(t.Context(), g.repo, []v1.Descriptor{{Digest: hash, Size: maxArtifact + 1}}); err == nil || !strings.Contains(err.Error(), "more than the 64 MiB") {
		t.Errorf("readLayers of a large one = %v", err)
	}
	if _, err := readLayers(t.Context(), g.repo, []v1.Descriptor{{Digest: hash, Size: maxContent + 1}}); err == nil || !strings.Contains(err.Error(), "more than 128 MiB") {
		t.Errorf("readLayers of many = %v", err)
	}
}

// TestStatement keeps the bytes of a predicate, and is what cosign reads.
func TestStatement(t *testing.T) {
	t.Parallel()
	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	for _, p := range []string{`{}`, "{\"b\": 1.0,\n \"a\": \"<\\u0026>\"}\n"} {
		got, err := statement("example.com/a", digest, Statement{"https://x.example/<1>", json.RawMessage(p)}, map[string]string{"k": "v<"})
		if err != nil || !bytes.HasSuffix(got, []byte(`,"predicate":`+p+`}`)) {
			t.Errorf("statement = %s, %v", got, err)
		}
		s, ok := claimAlone(got, digest)
		if !ok || s.predicateType != "https://x.example/<1>" || s.annotations["k"] != "v<" || string(s.predicate) != strings.TrimSpace(p) {
			t.Errorf("saidOf = %+v, %t", s, ok)
		}
		if _, ok := claimAlone(got, v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("b", 64)}); ok {
			t.Error("it is said of another image, too")
		}
	}
	// One by cosign, which has an older type, is known again.
	theirs, err := attestation.GenerateStatement(attestation.GenerateOpts{Predicate: strings.NewReader(`{"a":1}`), Type: "spdxjson", Digest: digest.Hex, Repo: "example.com/a"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	w := wanted{claim: claim{predicateType: PredicateSPDX, predicate: json.RawMessage(`{"a":1}`)}}
	if s, ok := claimAlone(raw, digest); !ok || !w.same(s) {
		t.Errorf("claimAlone(%s) = %+v, %t", raw, s, ok)
	}
}

// FuzzStored: no manifest or statement of others makes the readers panic, and what they
// take for one has what it needs.
func FuzzStored(f *testing.F) {
	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	manifest, _, err := bundleManifest(Subject{digest, types.OCIManifestSchema1, 7}, []byte("{}"), PredicateSign)
	if err != nil {
		f.Fatal(err)
	}
	st, err := statement("a", digest, Statement{PredicateSign, json.RawMessage("{}")}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(manifest)
	f.Add(st)
	f.Add([]byte(`{"schemaVersion":2,"config":{"digest":"sha256:` + digest.Hex + `","size":-1},"layers":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m, err := parseManifest(raw); err == nil {
			for _, d := range append(m.Layers, m.Config) {
				if !described(d) {
					t.Errorf("%s has a layer of nothing", raw)
				}
			}
		}
		if ref, ok := bundleIn(raw, v1.Descriptor{}, digest); ok && !isBundle(string(ref.layer.MediaType)) {
			t.Errorf("%s is a bundle", raw)
		}
		if s, ok := claimAlone(raw, digest); ok && !json.Valid(s.predicate) && s.predicate != nil {
			t.Errorf("%s says %s", raw, s.predicate)
		}
	})
}
