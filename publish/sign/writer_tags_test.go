//go:build !nosign

package sign

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

func (g *ground) layers(t *testing.T, suffix string) []artifact {
	t.Helper()
	found, _, err := readTag(t.Context(), g.repo, g.subject.Digest, suffix)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// tagsPut counts how often each tag of the subject was put.
func tagsPut(r *groundRegistry, subject v1.Hash) map[string]int {
	n := map[string]int{}
	for _, p := range r.put() {
		if _, suffix, ok := strings.Cut(p, "/manifests/"+subject.Algorithm+"-"+subject.Hex+"."); ok {
			n[suffix]++
		}
	}
	return n
}

// TestSignPuts: all attestations of a subject are one put, and none when they are
// there, however their order is.
func TestSignPuts(t *testing.T) {
	t.Parallel()
	r := ggcrRegistry(false)
	g := newGround(t, r)
	signer := plainSigner(t, p256Key(t), SignerOptions{})
	g.mustSign(t, signer, writtenPredicates()...)
	statements := writtenPredicates()
	slices.Reverse(statements)
	g.mustSign(t, signer, statements...)
	if got := tagsPut(r, g.subject.Digest); got["sig"] != 1 || got["att"] != 1 {
		t.Errorf("puts of tags: %v; want one each", got)
	}
}

// TestAttestAgain: another predicate of the same type takes the place of the old one,
// and what others attested stays.
func TestAttestAgain(t *testing.T) {
	t.Parallel()
	g := newGround(t, ggcrRegistry(false))
	other, mine := p256Key(t), p256Key(t)
	g.mustSign(t, plainSigner(t, other, SignerOptions{}), writtenPredicates()...)
	g.mustSign(t, plainSigner(t, mine, SignerOptions{}), writtenPredicates()...)
	later := Statement{PredicateSPDX, json.RawMessage(`{"later":true}`)}
	if done := g.mustSign(t, plainSigner(t, mine, SignerOptions{}), later); done != (Signed{false, 1}) {
		t.Errorf("Sign = %+v", done)
	}
	for who, public := range map[string]crypto.PublicKey{"mine": mine.Public(), "other": other.Public()} {
		n, got, err := g.judged(t, public, Tags, nil)
		if err != nil || n != 1 || len(got) != 2 {
			t.Errorf("%s: cosign verifies %d signatures and %q, %v", who, n, got, err)
		}
		if changed := slices.Contains(got, PredicateSPDX+` {"later":true}`); changed != (who == "mine") {
			t.Errorf("%s: cosign finds %q", who, got)
		}
	}
}

// TestSignWithoutTwin: many at once make one signature.
func TestSignWithoutTwin(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		g := newGround(t, ggcrRegistry(true))
		signer := plainSigner(t, p256Key(t), SignerOptions{Format: format})
		var all sync.WaitGroup
		var mu sync.Mutex
		added := 0
		for range 4 {
			all.Go(func() {
				done, err := signer.Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
				mu.Lock()
				defer mu.Unlock()
				if added += done.Attestations; err != nil {
					t.Error(err)
				}
				if done.Signature {
					added++
				}
			})
		}
		all.Wait()
		if added != 3 {
			t.Errorf("%s: %d were added; want 3", format, added)
		}
	}
}

// TestSignKeepsAnnotations: those of the manifest under a tag are somebody else's.
func TestSignKeepsAnnotations(t *testing.T) {
	t.Parallel()
	r := ggcrRegistry(false)
	g := newGround(t, r)
	g.mustSign(t, plainSigner(t, p256Key(t), SignerOptions{}))
	manifest, _, err := assemble(g.layers(t, suffixSignatures), map[string]string{"keep": "until 2030"})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.repo.PutManifest(t.Context(), tagName(g.subject.Digest, suffixSignatures), manifest, types.OCIManifestSchema1); err != nil {
		t.Fatal(err)
	}
	g.mustSign(t, plainSigner(t, p256Key(t), SignerOptions{}))
	m, err := parseManifest(g.tagged(t, tagName(g.subject.Digest, suffixSignatures)))
	if err != nil || len(m.Layers) != 2 || m.Annotations["keep"] != "until 2030" {
		t.Errorf("the tag names %+v, %v", m, err)
	}
}

// TestSignAgainstAnother: somebody who writes the same tag at the same time loses
// nothing, nor do we; one who never stops is told of.
func TestSignAgainstAnother(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		times int
		fails bool
	}{"once": {1, false}, "always": {100, true}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := ggcrRegistry(false)
			g := newGround(t, r)
			theirs := 0
			r.behave(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, ".sig") || theirs == c.times {
					return false
				}
				r.Handler.ServeHTTP(w, req)
				theirs++
				// They have not seen ours.
				overwrite(t, r.Handler, req.URL.Path, fmt.Sprint("theirs ", theirs))
				return true
			})
			_, err := plainSigner(t, p256Key(t), SignerOptions{}).Sign(t.Context(), g.repo, g.subject)
			if c.fails {
				if !errors.Is(err, errMoved) || !strings.Contains(err.Error(), "run this again") {
					t.Errorf("Sign = %v", err)
				}
				return
			}
			if got := g.layers(t, suffixSignatures); err != nil || len(got) != 2 {
				t.Errorf("%d signatures, %v; want theirs and ours", len(got), err)
			}
		})
	}
}

// overwrite puts a manifest with a signature that is none.
func overwrite(t *testing.T, registry http.Handler, path, content string) {
	t.Helper()
	desc, err := describe([]byte(content), "text/plain", map[string]string{static.SignatureAnnotationKey: "AA=="})
	if err != nil {
		t.Error(err)
		return
	}
	manifest, config, err := assemble([]artifact{{desc: desc, content: []byte(content)}}, nil)
	if err != nil {
		t.Error(err)
		return
	}
	repo, _, _ := strings.Cut(path, "/manifests/")
	for _, blob := range []string{content, string(config)} {
		d, err := describe([]byte(blob), "", nil)
		if err != nil {
			t.Error(err)
		}
		send(t, registry, http.MethodPost, repo+"/blobs/uploads/?digest="+d.Digest.String(), "application/octet-stream", blob)
	}
	send(t, registry, http.MethodPut, path, string(types.OCIManifestSchema1), string(manifest))
}

func send(t *testing.T, registry http.Handler, method, path, mt, body string) {
	t.Helper()
	req := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", mt)
	w := httptest.NewRecorder()
	if registry.ServeHTTP(w, req); w.Code/100 != 2 {
		t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
}

// TestSignSeenLate: a registry that does not show a tag at once is asked again.
func TestSignSeenLate(t *testing.T) {
	t.Parallel()
	r := ggcrRegistry(false)
	g := newGround(t, r)
	put, hidden := false, 0
	r.behave(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, ".sig") {
			return false
		}
		if req.Method == http.MethodPut {
			put = true
			return false
		}
		if put && hidden < 2 {
			hidden++
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	signer := plainSigner(t, p256Key(t), SignerOptions{})
	if done := g.mustSign(t, signer); !done.Signature || hidden != 2 {
		t.Errorf("Sign = %+v after %d answers without it", done, hidden)
	}
	if n := tagsPut(r, g.subject.Digest)["sig"]; n != 1 {
		t.Errorf("%d puts; want 1", n)
	}
}

// TestSignImmutable: whatever the words are in which a registry keeps a tag, the error
// says so and what to do, and what was there stays.
func TestSignImmutable(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status int
		body   string
		other  bool // it is no matter of the tag
	}{
		"Amazon ECR":   {400, `{"errors":[{"code":"TAG_INVALID","message":"The image tag already exists and cannot be overwritten because the repository is immutable."}]}`, false},
		"Harbor":       {412, `{"errors":[{"code":"PRECONDITION","message":"configured as immutable, cannot be updated"}]}`, false},
		"409":          {409, ``, false},
		"Azure":        {405, ``, false},
		"forbidden":    {403, `{"errors":[{"code":"DENIED","message":"tag is immutable"}]}`, false},
		"no right":     {403, `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`, true},
		"a policy":     {403, `{"errors":[{"code":"DENIED","message":"push blocked by policy"}]}`, true},
		"a lock":       {403, `{"errors":[{"code":"DENIED","message":"the tag is locked"}]}`, false},
		"bad manifest": {400, `{"errors":[{"code":"MANIFEST_INVALID"}]}`, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := ggcrRegistry(false)
			g := newGround(t, r)
			g.mustSign(t, plainSigner(t, p256Key(t), SignerOptions{}))
			before := g.state(t)
			r.behave(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, ".sig") {
					w.WriteHeader(c.status)
					fmt.Fprint(w, c.body)
					return true
				}
				return false
			})
			done, err := plainSigner(t, p256Key(t), SignerOptions{}).Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
			var immutable *ImmutableError
			if errors.As(err, &immutable) == c.other || err == nil || done != (Signed{}) {
				t.Fatalf("Sign = %+v, %v", done, err)
			}
			if c.other && strings.Contains(err.Error(), "immutable") {
				t.Errorf("the error says %q", err)
			}
			if !c.other && (!strings.Contains(err.Error(), "immutable") || !strings.Contains(err.Error(), "--sign-format bundle")) {
				t.Errorf("the error says %q", err)
			}
			if after := g.state(t); after != before {
				t.Errorf("%s became %s", before, after)
			}
		})
	}
}

// TestSignFirstRefused: an answer that calls nothing immutable does not mean that where
// there was no tag to move.
func TestSignFirstRefused(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status    int
		body      string
		immutable bool
	}{
		"409":         {409, ``, false},
		"412":         {412, ``, false},
		"405":         {405, ``, false},
		"a bad name":  {400, `{"errors":[{"code":"TAG_INVALID","message":"tags have at most 64 characters"}]}`, false},
		"a pull rule": {412, `{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}`, true},
	} {
		r := ggcrRegistry(false)
		g := newGround(t, r)
		r.behave(func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, ".sig") {
				return false
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
			return true
		})
		_, err := plainSigner(t, p256Key(t), SignerOptions{}).Sign(t.Context(), g.repo, g.subject)
		var immutable *ImmutableError
		if err == nil || errors.As(err, &immutable) != c.immutable {
			t.Errorf("%s: Sign = %v", what, err)
		}
	}
}

// TestSignHidden: what may be written and not read is not written over, in either
// format, and the error says what is missing.
func TestSignHidden(t *testing.T) {
	t.Parallel()
	for format, says := range map[Format]string{Tags: "--sign-format bundle", Bundle: "stands for the list"} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			r := ggcrRegistry(false)
			g := newGround(t, r)
			g.mustSign(t, plainSigner(t, p256Key(t), SignerOptions{Format: format}))
			before := g.state(t)
			hides := "/manifests/" + distribution.ReferrersTag(g.subject.Digest)
			if format == Tags {
				hides = ".sig"
			}
			r.behave(func(w http.ResponseWriter, req *http.Request) bool {
				hidden := req.Method != http.MethodPut && strings.HasSuffix(req.URL.Path, hides)
				if hidden {
					w.WriteHeader(http.StatusForbidden)
				}
				return hidden
			})
			puts := len(r.put())
			done, err := plainSigner(t, p256Key(t), SignerOptions{Format: format}).Sign(t.Context(), g.repo, g.subject, writtenPredicates()...)
			if done != (Signed{}) || !distribution.Unauthorized.In(err) || !strings.Contains(err.Error(), says) ||
				!strings.Contains(err.Error(), "the right to pull") || !strings.Contains(err.Error(), "would be lost") || !strings.Contains(err.Error(), "403 Forbidden") {
				t.Errorf("Sign = %+v, %v", done, err)
			}
			if n := len(r.put()) - puts; n != 0 {
				t.Errorf("%d manifests were put", n)
			}
			r.behave(nil)
			if after := g.state(t); after != before {
				t.Errorf("%s became %s", before, after)
			}
		})
	}
}

// TestSignHiddenLate: nor is a tag that was not there a moment ago and hides now.
func TestSignHiddenLate(t *testing.T) {
	t.Parallel()
	r := ggcrRegistry(false)
	g := newGround(t, r)
	asked := 0
	r.behave(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut || !strings.HasSuffix(req.URL.Path, ".sig") {
			return false
		}
		if asked++; asked == 1 {
			w.WriteHeader(http.StatusNotFound)
		} else {
			w.WriteHeader(http.StatusForbidden)
		}
		return true
	})
	_, err := plainSigner(t, p256Key(t), SignerOptions{}).Sign(t.Context(), g.repo, g.subject)
	if n := tagsPut(r, g.subject.Digest)["sig"]; n != 0 || !distribution.Unauthorized.In(err) || !strings.Contains(err.Error(), "would be lost") {
		t.Errorf("Sign = %v after %d puts", err, n)
	}
}
