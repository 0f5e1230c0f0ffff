//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// TestSignKeyless: in each format and with each proof of the time, what is signed is
// what cosign's library verifies; another identity or issuer is not; the certificate
// serves all, and signing again adds nothing.
func TestSignKeyless(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		for _, proofs := range []struct {
			name   string
			change func(*Keyless)
			log    bool
			stamps bool
		}{
			{"log and timestamps", func(*Keyless) {}, true, true},
			{"log", func(k *Keyless) { k.TSA = "" }, true, false},
			{"timestamps", func(k *Keyless) { k.Rekor = "none" }, false, true},
			{"without a trusted root", func(k *Keyless) { k.TrustedRoot = nil }, true, true},
			{"slashes", func(k *Keyless) { k.Fulcio += "/"; k.Rekor += "/" }, true, true},
		} {
			t.Run(string(format)+" "+proofs.name, func(t *testing.T) {
				t.Parallel()
				s := sigstore.Start(t, sigstore.Options{})
				o := keylessOptions(t, s, format)
				proofs.change(o.Keyless)
				g := newGround(t, ggcrRegistry(true))
				signer := keylessSigner(t, o)
				if done := g.mustSign(t, signer, writtenPredicates()...); done != (Signed{true, 2}) {
					t.Errorf("Sign = %+v", done)
				}
				j := judgment{someone, theIssuer, s.TrustedRoot(), format, proofs.log, proofs.stamps}
				g.mustHold(t, j, writtenPredicates()...)
				if n := s.Count(sigstore.Fulcio); n != 1 {
					t.Errorf("%d certificates for one signature and two attestations", n)
				}
				for _, r := range s.Requests() {
					if r.Authorized != (r.Service == sigstore.Fulcio) {
						t.Errorf("%s %s with a token: %v", r.Method, r.Path, r.Authorized)
					}
				}
				refuseOthers(t, g, j)
				signAgain(t, g, signer, s)
				signAgain(t, g, keylessSigner(t, o), s)
			})
		}
	}
}

func refuseOthers(t *testing.T, g *ground, j judgment) {
	t.Helper()
	for _, other := range []judgment{
		{"other@nanobuild.example", j.issuer, j.trustedRoot, j.format, j.log, j.stamps},
		{j.identity, "https://other.example", j.trustedRoot, j.format, j.log, j.stamps},
		{j.identity, j.issuer, sigstore.Start(t, sigstore.Options{}).TrustedRoot(), j.format, j.log, j.stamps},
	} {
		if other.stamps && other.format == Tags && !bytes.Equal(other.trustedRoot, j.trustedRoot) {
			continue // cosign's library ends the program at a timestamp of an authority that is not trusted
		}
		if n, _, err := g.judge(t, other); err == nil {
			t.Errorf("%d signatures count for %s of %s", n, other.identity, other.issuer)
		}
	}
}

// signAgain signs what is signed already.
func signAgain(t *testing.T, g *ground, signer Signer, s *sigstore.Sigstore) {
	t.Helper()
	before, logged := g.holds(t), len(s.Entries())
	if done := g.mustSign(t, signer, writtenPredicates()...); done != (Signed{}) {
		t.Errorf("Sign again = %+v; want nothing added", done)
	}
	if after := g.holds(t); after != before {
		t.Errorf("signing again changed\n%s\nto\n%s", before, after)
	}
	if n := len(s.Entries()); n != logged {
		t.Errorf("signing again added %d entries to the log", n-logged)
	}
}

// TestSignKeylessByOthers: what somebody else signed does not stand for our own
// signature, whoever that is: another identity, another issuer, the same name from an
// authority of their own, or the same one without proof of the time.
func TestSignKeylessByOthers(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		for name, change := range map[string]func(t *testing.T, s *sigstore.Sigstore, o *SignerOptions){
			"identity": func(_ *testing.T, s *sigstore.Sigstore, o *SignerOptions) {
				o.Keyless.Token = func(context.Context) (string, error) {
					return s.Token("other@nanobuild.example", theIssuer), nil
				}
			},
			"issuer": func(_ *testing.T, s *sigstore.Sigstore, o *SignerOptions) {
				o.Keyless.Token = func(context.Context) (string, error) { return s.Token(someone, "https://other.example"), nil }
			},
			"authority": func(t *testing.T, _ *sigstore.Sigstore, o *SignerOptions) {
				*o = keylessOptions(t, sigstore.Start(t, sigstore.Options{}), o.Format)
			},
			"no log": func(_ *testing.T, _ *sigstore.Sigstore, o *SignerOptions) {
				o.Keyless.Rekor = "none"
			},
		} {
			t.Run(string(format)+" "+name, func(t *testing.T) {
				t.Parallel()
				s := sigstore.Start(t, sigstore.Options{})
				g := newGround(t, ggcrRegistry(true))
				foreign := keylessOptions(t, s, format)
				change(t, s, &foreign)
				g.mustSign(t, keylessSigner(t, foreign), writtenPredicates()...)
				// Without a trusted root, no check of it helps to tell.
				own := keylessOptions(t, s, format)
				own.Keyless.TrustedRoot = nil
				if done := g.mustSign(t, keylessSigner(t, own), writtenPredicates()...); done != (Signed{true, 2}) {
					t.Errorf("Sign = %+v; want all of our own", done)
				}
			})
		}
	}
}

// TestSignKeylessWithConfig: a signing config names the services.
func TestSignKeylessWithConfig(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]sigstore.Options{"all": {}, "no log": {NoLog: true}, "no timestamps": {NoTSA: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sigstore.Start(t, options)
			o := keylessOptions(t, s, Bundle)
			o.Keyless.Fulcio, o.Keyless.Rekor, o.Keyless.TSA = "", "", ""
			o.Keyless.SigningConfig = s.SigningConfig()
			g := newGround(t, ggcrRegistry(true))
			g.mustSign(t, keylessSigner(t, o))
			g.mustHold(t, judgment{someone, theIssuer, s.TrustedRoot(), Bundle, !options.NoLog, !options.NoTSA})
			if got := s.Count(sigstore.Rekor) > 0; got == options.NoLog {
				t.Errorf("the log was asked: %v", got)
			}
			if got := s.Count(sigstore.TSA) > 0; got == options.NoTSA {
				t.Errorf("the timestamp authority was asked: %v", got)
			}
		})
	}
}

// TestSignKeylessInGitHub: a workflow signs as itself, and none of its tokens is found
// anywhere afterwards.
func TestSignKeylessInGitHub(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			s := sigstore.Start(t, sigstore.Options{})
			o := keylessOptions(t, s, format)
			o.Environ = s.ActionsEnviron()
			o.Keyless.Token = TokenFrom(TokenOptions{Environment: o.Environment})
			g := newGround(t, ggcrRegistry(true))
			g.mustSign(t, keylessSigner(t, o), writtenPredicates()...)
			g.mustHold(t, judgment{sigstore.ActionsIdentity, sigstore.ActionsIssuer, s.TrustedRoot(), format, true, true}, writtenPredicates()...)
			written := g.holds(t)
			for _, entry := range s.Entries() {
				written += string(entry)
			}
			if len(s.Secrets()) != 2 {
				t.Errorf("%d tokens; want the job's and one for sigstore", len(s.Secrets()))
			}
			for _, secret := range s.Secrets() {
				if strings.Contains(written, secret) {
					t.Error("a token was written")
				}
			}
		})
	}
}

// TestKeylessRenews: a certificate that has grown old is replaced, and what it signed
// is still known as our own.
func TestKeylessRenews(t *testing.T) {
	t.Parallel()
	s := sigstore.Start(t, sigstore.Options{})
	o := keylessOptions(t, s, Bundle)
	made, err := newKeyless(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	k, is := made.(*keyless)
	if !is {
		t.Fatalf("newKeyless = %T", made)
	}
	first, err := k.bundle(t.Context(), []byte(keylessStatement))
	if err != nil {
		t.Fatal(err)
	}
	k.held.Load().old.Store(true)
	if _, err := k.bundle(t.Context(), []byte(keylessStatement)); err != nil {
		t.Fatal(err)
	}
	if n := s.Count(sigstore.Fulcio); n != 2 {
		t.Errorf("%d certificates; want a second one", n)
	}
	if statement, ours := k.bundled(bundle{content: first}); !ours || string(statement) != keylessStatement {
		t.Errorf("bundled = %q, %v", statement, ours)
	}
}

const keylessStatement = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"ab"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`
