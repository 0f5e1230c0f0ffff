//go:build !nosign

package sign

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

const (
	someone   = "someone@nanobuild.example"
	theIssuer = "https://issuer.nanobuild.example"
)

// confined is a transport that reaches one host, and keeps what it was asked to reach
// besides.
type confined struct {
	host string

	mu     sync.Mutex
	others []string
}

func (c *confined) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != c.host {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.others = append(c.others, r.URL.String())
		return nil, fmt.Errorf("%s is not reached by this test", r.URL.Host)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// near returns a transport to a sigstore and to nothing else; the test fails where
// something else was asked.
func near(t *testing.T, s *sigstore.Sigstore) *confined {
	t.Helper()
	c := &confined{host: strings.TrimPrefix(s.URL(), "http://")}
	t.Cleanup(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.others) > 0 {
			t.Errorf("others were asked: %q", c.others)
		}
	})
	return c
}

// keylessOptions are those of somebody who signs with all that a sigstore has.
func keylessOptions(t *testing.T, s *sigstore.Sigstore, format Format) SignerOptions {
	t.Helper()
	return SignerOptions{
		Format:      format,
		Environment: Environment{Transport: near(t, s)},
		Keyless: &Keyless{
			Token:  func(context.Context) (string, error) { return s.Token(someone, theIssuer), nil },
			Fulcio: s.FulcioURL(), Rekor: s.RekorURL(), TSA: s.TSAURL(), TrustedRoot: s.TrustedRoot(), Now: time.Now,
		},
	}
}

func keylessSigner(t *testing.T, o SignerOptions) Signer {
	t.Helper()
	signer, err := NewSigner(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if w, is := signer.(*writer); is {
		if k, is := w.scheme.(*keyless); is {
			k.pauses = []time.Duration{time.Millisecond, time.Millisecond}
		}
	}
	return signer
}

// judgment is how cosign's library is asked.
type judgment struct {
	identity, issuer string
	trustedRoot      []byte
	format           Format
	log, stamps      bool
}

// judge has cosign's library verify, and returns how many signatures there are and
// the predicates' types.
func (g *ground) judge(t *testing.T, j judgment) (signatures int, predicates []string, err error) {
	t.Helper()
	trusted, err := root.NewTrustedRootFromJSON(j.trustedRoot)
	if err != nil {
		t.Fatal(err)
	}
	o := &cosign.CheckOpts{
		TrustedMaterial: trusted, Offline: true, IgnoreSCT: true, IgnoreTlog: !j.log, UseSignedTimestamps: j.stamps,
		Identities: []cosign.Identity{{Subject: j.identity, Issuer: j.issuer}},
	}
	if j.format == Tags {
		o.ClaimVerifier = cosign.SimpleClaimVerifier
		signed, logged, err := cosign.VerifyImageSignatures(t.Context(), g.ref, o)
		if err != nil {
			return 0, nil, err
		}
		if logged != j.log {
			t.Errorf("proven by the log: %v", logged)
		}
		signatures = len(signed)
	}
	o.NewBundleFormat, o.ClaimVerifier = j.format == Bundle, cosign.IntotoSubjectClaimVerifier
	var attested []oci.Signature
	if j.format == Bundle || g.tagged(t, tagName(g.subject.Digest, suffixAttestations)) != nil {
		if attested, _, err = cosign.VerifyImageAttestations(t.Context(), g.ref, o); err != nil {
			return signatures, nil, err
		}
	}
	for _, a := range attested {
		switch st := writtenStatement(t, a); st.PredicateType {
		case PredicateSign:
			signatures++
		default:
			predicates = append(predicates, st.PredicateType+" "+string(st.Predicate))
		}
	}
	slices.Sort(predicates)
	return signatures, predicates, nil
}

// mustHold fails where the cosign library does not find one signature and the
// predicates of the statements.
func (g *ground) mustHold(t *testing.T, j judgment, statements ...Statement) {
	t.Helper()
	signatures, got, err := g.judge(t, j)
	if err != nil || signatures != 1 {
		t.Fatalf("cosign verifies %d signatures: %v", signatures, err)
	}
	var want []string
	for _, st := range statements {
		want = append(want, st.PredicateType+" "+string(st.Predicate))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("cosign finds %q; want %q", got, want)
	}
}

// holds is all that the registry has about the subject, in a certain order.
func (g *ground) holds(t *testing.T) string {
	t.Helper()
	bundles, err := readBundles(t.Context(), g.repo, g.subject.Digest)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, b := range bundles {
		all = append(all, b.entry.Digest.String()+" "+string(b.content))
	}
	slices.Sort(all)
	for _, suffix := range []string{suffixSignatures, suffixAttestations} {
		found, at, err := readTag(t.Context(), g.repo, g.subject.Digest, suffix)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range found {
			all = append(all, string(a.content))
		}
		all = append(all, at.String(), string(g.tagged(t, tagName(g.subject.Digest, suffix))))
	}
	return strings.Join(all, "\n")
}
