//go:build !nosign

package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"log"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/nanobuild/nanobuild/testdata/need"
)

func p256Key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ggcrRegistry(referrers bool) *groundRegistry {
	return &groundRegistry{Handler: registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0)))}
}

// registries are the ones that each format must work with.
func registries() map[string]func(*testing.T) *ground {
	return map[string]func(*testing.T) *ground{
		"with referrers":    func(t *testing.T) *ground { return newGround(t, ggcrRegistry(true)) },
		"without referrers": func(t *testing.T) *ground { return newGround(t, ggcrRegistry(false)) },
		"distribution":      func(t *testing.T) *ground { return groundAt(t, need.StartRegistry(t)) },
	}
}

// TestSign: what is signed with each kind of key, in each format, on each kind of
// registry, is what cosign's library verifies, with the predicates as they were; and
// signing again adds no byte.
func TestSign(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rivest, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]crypto.Signer{"P-256": p256Key(t), "Ed25519": edwards, "RSA": rivest}
	for kind, key := range keys {
		for _, format := range []Format{Tags, Bundle} {
			for what, start := range registries() {
				t.Run(kind+" "+string(format)+" "+what, func(t *testing.T) {
					t.Parallel()
					g := start(t)
					signer := plainSigner(t, key, SignerOptions{Format: format, Annotations: map[string]string{"team": "a<b"}})
					if done := g.mustSign(t, signer, writtenPredicates()...); done != (Signed{true, 2}) {
						t.Errorf("Sign = %+v", done)
					}
					g.mustVerify(t, key.Public(), format)
					before := g.state(t)
					if done := g.mustSign(t, signer, writtenPredicates()...); done != (Signed{}) {
						t.Errorf("Sign again = %+v; want nothing added", done)
					}
					if after := g.state(t); after != before {
						t.Errorf("signing again changed\n%s\nto\n%s", before, after)
					}
					if n, _, err := g.judged(t, p256Key(t).Public(), format, nil); err == nil {
						t.Errorf("another key verifies %d signatures", n)
					}
				})
			}
		}
	}
}

func (g *ground) mustVerify(t *testing.T, public crypto.PublicKey, format Format) {
	t.Helper()
	signatures, got, err := g.judged(t, public, format, map[string]string{"team": "a<b"})
	if err != nil || signatures != 1 {
		t.Fatalf("cosign verifies %d signatures: %v", signatures, err)
	}
	var want []string
	for _, p := range writtenPredicates() {
		want = append(want, p.PredicateType+" "+string(p.Predicate))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("cosign finds %q; want %q", got, want)
	}
}
