//go:build !nosign

package sign

import (
	"testing"
	"time"

	ctypes "github.com/sigstore/cosign/v2/pkg/types"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// TestKeylessLate: what was signed with a certificate that had ended is signed again with
// a new one, whether or not there is a trusted root to tell.
func TestKeylessLate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Keyless){
		"with a root": func(*Keyless) {}, "without a root": func(k *Keyless) { k.TrustedRoot = nil },
		"by timestamps": func(k *Keyless) { k.TrustedRoot, k.Rekor = nil, "none" },
	} {
		for _, format := range []Format{Tags, Bundle} {
			t.Run(string(format)+" "+name, func(t *testing.T) {
				t.Parallel()
				s := sigstore.Start(t, sigstore.Options{Ended: 1})
				o := keylessOptions(t, s, format)
				change(o.Keyless)
				g := newGround(t, ggcrRegistry(true))
				if done := g.mustSign(t, keylessSigner(t, o), writtenPredicates()...); done != (Signed{true, 2}) {
					t.Errorf("Sign = %+v", done)
				}
				if n := s.Count(sigstore.Fulcio); n != 2 {
					t.Errorf("%d certificates; want a second one", n)
				}
				g.mustHold(t, judgment{someone, theIssuer, s.TrustedRoot(), format, o.Keyless.Rekor != "none", true}, writtenPredicates()...)
			})
		}
	}
}

// TestKeylessDetached: a proof that has no place is none that is missed where the root
// has no log of certificates.
func TestKeylessDetached(t *testing.T) {
	t.Parallel()
	s := sigstore.Start(t, sigstore.Options{Detached: "AAAA"})
	g := newGround(t, ggcrRegistry(true))
	g.mustSign(t, keylessSigner(t, keylessOptions(t, s, Bundle)))
	g.mustHold(t, judgment{someone, theIssuer, s.TrustedRoot(), Bundle, true, true})
}

// TestKeylessLateIsNotOurs: what was signed with a certificate that had ended does not
// count for having been signed, since it counts for nobody else.
func TestKeylessLateIsNotOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lifetime time.Duration
		ours     bool
	}{"in time": {0, true}, "late": {-time.Minute, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sigstore.Start(t, sigstore.Options{Lifetime: c.lifetime})
			for proof, p := range map[string]press{
				"log and timestamp": {fake: s, who: someone, by: theIssuer}, "log": {fake: s, who: someone, by: theIssuer, noStamp: true},
				"timestamp": {fake: s, who: someone, by: theIssuer, noLog: true},
			} {
				raw, err := protojson.Marshal(p.make(t, &sgsign.DSSEData{Data: []byte(keylessStatement), PayloadType: ctypes.IntotoPayloadType}))
				if err != nil {
					t.Fatal(err)
				}
				if _, ours := asking(t, s, p).bundled(bundle{content: raw}); ours != c.ours {
					t.Errorf("%s: bundled = %v", proof, ours)
				}
			}
		})
	}
}

// asking is a scheme that has no trusted root and asks for the proofs of a press.
func asking(t *testing.T, s *sigstore.Sigstore, p press) scheme {
	t.Helper()
	o := keylessOptions(t, s, Bundle)
	o.Keyless.TrustedRoot = nil
	if p.noLog {
		o.Keyless.Rekor = "none"
	}
	if p.noStamp {
		o.Keyless.TSA = ""
	}
	k, err := newKeyless(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}
