//go:build !nosign

package sign

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// listing answers with the registry's own list of referrers and these entries.
func listing(t *testing.T, w http.ResponseWriter, req *http.Request, registry http.Handler, entries []v1.Descriptor) {
	t.Helper()
	own := httptest.NewRecorder()
	registry.ServeHTTP(own, req)
	var list v1.IndexManifest
	if err := json.Unmarshal(own.Body.Bytes(), &list); err != nil {
		t.Error(err)
	}
	list.Manifests = append(list.Manifests, entries...)
	w.Header().Set("Content-Type", string(types.OCIImageIndex))
	if err := json.NewEncoder(w).Encode(list); err != nil {
		t.Error(err)
	}
}

// TestSignBesideMany: however many bundles others have, or we have of types that are not
// wanted, one more can be signed; too many of our own are told of with what to do.
func TestSignBesideMany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		predicateType string
		format        Format
		says          string // "" signs
	}{
		{PredicateSLSA, Bundle, ""}, {PredicateSPDX, Bundle, "delete those from the registry"}, {"", Bundle, "delete those from the registry"},
		{PredicateSPDX, Tags, "format bundle"},
	} {
		t.Run(string(c.format)+" "+c.predicateType, func(t *testing.T) {
			t.Parallel()
			r := ggcrRegistry(true)
			g := newGround(t, r)
			one, err := writeBundle(t.Context(), g.repo, g.subject, []byte("{}"), c.predicateType)
			if err != nil {
				t.Fatal(err)
			}
			if c.predicateType == "" {
				delete(one.Annotations, annotationPredicate)
			}
			var entries []v1.Descriptor
			for i := range maxBundles {
				other := one
				other.Digest = v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", i)} // deleted, maybe
				entries = append(entries, other)
			}
			r.behave(func(w http.ResponseWriter, req *http.Request) bool {
				listed := strings.Contains(req.URL.Path, "/referrers/")
				if listed {
					listing(t, w, req, r.Handler, entries)
				}
				return listed
			})
			done, err := plainSigner(t, p256Key(t), SignerOptions{Format: c.format}).Sign(t.Context(), g.repo, g.subject, writtenPredicates()[0])
			if c.says == "" && (err != nil || done != (Signed{true, 1})) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("Sign = %+v, %v", done, err)
			}
		})
	}
}

// TestSignSeesLate: a bundle that the list names and that is not there at the first look
// is looked for again, so that it is not signed twice.
func TestSignSeesLate(t *testing.T) {
	t.Parallel()
	r := ggcrRegistry(true)
	g := newGround(t, r)
	signer := plainSigner(t, p256Key(t), SignerOptions{Format: Bundle})
	g.mustSign(t, signer, writtenPredicates()...)
	missed := map[string]bool{}
	r.behave(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/manifests/sha256:") || missed[req.URL.Path] {
			return false
		}
		missed[req.URL.Path] = true
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	if done := g.mustSign(t, signer, writtenPredicates()...); done != (Signed{}) || len(missed) != 3 {
		t.Errorf("Sign = %+v with %d manifests missed", done, len(missed))
	}
}
