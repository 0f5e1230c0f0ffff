//go:build !nosign

package sign

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// ground is a registry with an image.
type ground struct {
	repo    *distribution.Repository
	subject Subject
	ref     name.Digest
}

// newGround serves a registry and pushes an image to it.
func newGround(t *testing.T, registry http.Handler) *ground {
	t.Helper()
	server := httptest.NewServer(registry)
	t.Cleanup(server.Close)
	return groundAt(t, strings.TrimPrefix(server.URL, "http://"))
}

func groundAt(t *testing.T, host string) *ground {
	t.Helper()
	repo, err := name.NewRepository(host + "/team/app")
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(repo.Tag("1"), img); err != nil {
		t.Fatal(err)
	}
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	d, err := describe(raw, types.DockerManifestSchema2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &ground{
		repo:    repository(repo),
		subject: Subject{Digest: d.Digest, MediaType: d.MediaType, Size: d.Size},
		ref:     repo.Digest(d.Digest.String()),
	}
}

// repository is one that waits for nothing long.
func repository(repo name.Repository) *distribution.Repository {
	net := distribution.NewNetwork(distribution.NetworkOptions{Policy: distribution.Policy{
		Tries: 4, FirstTries: 2, Pause: time.Millisecond, MaxPause: 2 * time.Millisecond,
	}})
	return net.Repository(repo, nil, distribution.Push)
}

// tagged returns the content of a tag, nil where there is none.
func (g *ground) tagged(t *testing.T, tag string) []byte {
	t.Helper()
	doc, err := g.repo.Manifest(t.Context(), tag)
	if err != nil && !distribution.NotFound.In(err) {
		t.Fatal(err)
	}
	return doc.Content
}

// state is all that there is about the subject.
func (g *ground) state(t *testing.T) string {
	t.Helper()
	refs, err := g.repo.ListReferrers(t.Context(), g.subject.Digest)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(refs, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.Hex, b.Digest.Hex) })
	listed, err := json.Marshal(refs)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\n%s\n%s", g.tagged(t, tagName(g.subject.Digest, "sig")), g.tagged(t, tagName(g.subject.Digest, "att")), listed)
}

// signerBy returns a signer with a private key that lies in a variable as plain
// PKCS #8.
func plainSigner(t *testing.T, key crypto.PrivateKey, o SignerOptions) Signer {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	o.Key = "env://KEY"
	o.Environ = []string{"KEY=" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
	s, err := NewSigner(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// predicates are statements with bytes that others would write differently.
func writtenPredicates() []Statement {
	return []Statement{
		{PredicateSPDX, json.RawMessage("{\"spdxVersion\": \"SPDX-2.3\",\n  \"z\": \"<&>\", \"a\": 1.50}")},
		{PredicateSLSA, json.RawMessage(`{"buildDefinition":{"unknown":{}},"runDetails":{}}`)},
	}
}

// judged has cosign's library verify what is there, and returns the predicate types of
// what it found.
func (g *ground) judged(t *testing.T, public crypto.PublicKey, format Format, annotations map[string]string) (signatures int, predicates []string, err error) {
	t.Helper()
	verifier, err := signature.LoadVerifierWithOpts(public)
	if err != nil {
		t.Fatal(err)
	}
	o := &cosign.CheckOpts{SigVerifier: verifier, IgnoreTlog: true, Offline: true, IgnoreSCT: true}
	if format == Tags {
		o.ClaimVerifier, o.Annotations = cosign.SimpleClaimVerifier, map[string]any{}
		for k, v := range annotations {
			o.Annotations[k] = v
		}
		signed, _, err := cosign.VerifyImageSignatures(t.Context(), g.ref, o)
		if err != nil {
			return 0, nil, err
		}
		signatures = len(signed)
	}
	o.ClaimVerifier, o.Annotations = cosign.IntotoSubjectClaimVerifier, nil
	if format == Bundle {
		o.NewBundleFormat, o.TrustedMaterial = true, root.TrustedMaterialCollection{}
	} else if g.tagged(t, tagName(g.subject.Digest, "att")) == nil {
		return signatures, nil, nil
	}
	attested, _, err := cosign.VerifyImageAttestations(t.Context(), g.ref, o)
	if err != nil {
		return signatures, nil, err
	}
	for _, a := range attested {
		st := writtenStatement(t, a)
		if st.PredicateType == PredicateSign {
			signatures++
			continue
		}
		predicates = append(predicates, st.PredicateType+" "+string(st.Predicate))
	}
	return signatures, predicates, nil
}

func writtenStatement(t *testing.T, a oci.Signature) Statement {
	t.Helper()
	content, err := a.Payload()
	if err != nil {
		t.Fatal(err)
	}
	e := fromAttestation(artifact{content: content})
	if e.unreadable != nil {
		if e = fromBundle(bundle{content: content}); e.unreadable != nil {
			t.Fatalf("no envelope: %s", content)
		}
	}
	var st struct {
		PredicateType string
		Predicate     json.RawMessage
	}
	if err := json.Unmarshal(e.payload, &st); err != nil {
		t.Fatal(err)
	}
	return Statement{st.PredicateType, st.Predicate}
}

// mustSign signs and fails the test where that fails.
func (g *ground) mustSign(t *testing.T, s Signer, statements ...Statement) Signed {
	t.Helper()
	done, err := s.Sign(context.WithoutCancel(t.Context()), g.repo, g.subject, statements...)
	if err != nil {
		t.Fatal(err)
	}
	return done
}
