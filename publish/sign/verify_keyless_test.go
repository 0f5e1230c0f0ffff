//go:build !nosign

package sign

import (
	"fmt"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

func TestVerifyKeyless(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		for name, c := range map[string]struct {
			fake   sigstore.Options
			change func(*press)
			expect func(*VerifierOptions)
			logged bool
		}{
			"exactly": {logged: true},
			"by expression": {logged: true, expect: func(o *VerifierOptions) {
				o.Identity, o.IdentityRegexp, o.Issuer, o.IssuerRegexp = "", "^https://github.com/me/", "", `githubusercontent\.com$`
			}},
			"by an address":       {logged: true, change: func(p *press) { p.who = "me@example.com" }, expect: func(o *VerifierOptions) { o.Identity = "me@example.com" }},
			"log without a stamp": {logged: true, change: func(p *press) { p.noStamp = true }},
			"stamp where no log":  {fake: sigstore.Options{NoLog: true}, change: func(p *press) { p.noLog = true }},
		} {
			t.Run(fmt.Sprintf("%s/%s", format, name), func(t *testing.T) {
				t.Parallel()
				fake, b := sigstore.Start(t, c.fake), newVerifyBed(t)
				p, o := newPress(fake), byMe(fake)
				if c.change != nil {
					c.change(&p)
				}
				if c.expect != nil {
					c.expect(&o)
				}
				place(t, b, p.image(t, format, signingOf(format, b)))
				if format == Tags {
					b.put(t, "att", p.attestationLayer(t, statementAbout(b.image, PredicateSLSA, `{"a":1}`)))
				} else {
					place(t, b, p.image(t, format, statementAbout(b.image, PredicateSLSA, `{"a":1}`)))
				}
				before := len(fake.Requests())
				v, err := b.verify(t, o)
				if err != nil {
					t.Fatal(err)
				}
				if len(v.Signatures) != 1 || len(v.Attestations) != 1 || len(v.Refused) != 0 {
					t.Fatalf("found %+v", v)
				}
				for _, s := range []Signature{v.Signatures[0], v.Attestations[0].Signature} {
					age := time.Since(time.Unix(s.Time, 0))
					if s.Identity != p.who || s.Issuer != p.by || s.Logged != c.logged || age < 0 || age > time.Hour {
						t.Errorf("the signature is %+v", s)
					}
				}
				if after := len(fake.Requests()); after != before {
					t.Errorf("%d requests to verify", after-before)
				}
			})
		}
	}
}

// dropEntry takes the log's proof off.
func dropEntry(_ *testing.T, _ *verifyBed, p *pieceOf, _ press) {
	p.pb.VerificationMaterial.TlogEntries = nil
}

// keylessCase is something in a registry that an identity does not verify.
type keylessCase struct {
	fake   sigstore.Options
	press  func(*press)
	change func(t *testing.T, b *verifyBed, p *pieceOf, by press)
	expect func(t *testing.T, o *VerifierOptions)
	reason Reason
	says   string
}

func (c keylessCase) run(t *testing.T, format Format) {
	t.Parallel()
	fake, b := sigstore.Start(t, c.fake), newVerifyBed(t)
	by, o := newPress(fake), byMe(fake)
	if c.press != nil {
		c.press(&by)
	}
	if c.expect != nil {
		c.expect(t, &o)
	}
	p := by.image(t, format, signingOf(format, b))
	if c.change != nil {
		c.change(t, b, &p, by)
	}
	place(t, b, p)
	v, err := b.verify(t, o)
	if err == nil {
		t.Fatalf("verified %+v", v)
	}
	refusedAs(t, b, err, c.reason, c.says)
}

func TestVerifyRefusesKeyless(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		for name, c := range map[string]keylessCase{
			"another identity": {press: func(p *press) { p.who = "https://github.com/you/web" }, reason: WrongIdentity, says: `by "https://github.com/you/web" and not by "` + me},
			"another by expression": {expect: func(_ *testing.T, o *VerifierOptions) { o.Identity, o.IdentityRegexp = "", "^you" },
				reason: WrongIdentity, says: `something like "^you"`},
			"another issuer": {press: func(p *press) { p.by = "https://evil.example" }, reason: WrongIssuer, says: `"https://evil.example" vouches for`},
			"tampered payload": {change: func(_ *testing.T, _ *verifyBed, p *pieceOf, _ press) {
				p.said = strings.Replace(p.said, "nanobuild", "evil", 1)
			}, reason: Tampered, says: "it does not fit its certificate"},
			"another image": {change: func(t *testing.T, b *verifyBed, p *pieceOf, by press) {
				*p = by.image(t, p.format, strings.ReplaceAll(signingOf(p.format, b), b.image.Hex, strangeImage().Hex))
			}, reason: OtherImage, says: strangeImage().String()},
			"another annotation": {expect: func(_ *testing.T, o *VerifierOptions) { o.Annotations = map[string]string{"builder": "x"} },
				reason: WrongAnnotation, says: `is "nanobuild" and not "x"`},
			"expired":             {fake: sigstore.Options{Lifetime: -time.Minute}, reason: Expired, says: "its certificate was valid from"},
			"expired, by a stamp": {fake: sigstore.Options{Lifetime: -time.Minute, NoLog: true}, press: func(p *press) { p.noLog = true }, reason: Expired, says: "its certificate was valid from"},
			"no proof":            {change: dropEntry, reason: NotLogged, says: "no proof that a transparency log has it"},
			"no proof, no stamp": {fake: sigstore.Options{NoLog: true}, press: func(p *press) { p.noLog, p.noStamp = true, true },
				reason: NotLogged, says: "neither a transparency log nor a timestamp authority"},
			"a log that nobody knows": {fake: sigstore.Options{ForeignLog: true}, reason: Untrusted, says: "a transparency log that the trusted root does not have"},
			"a forged log":            {fake: sigstore.Options{ForgedLog: true}, reason: Untrusted, says: "is not proven by the transparency log"},
			"authorities that nobody knows": {expect: func(t *testing.T, o *VerifierOptions) {
				o.TrustedRoot = sigstore.Start(t, sigstore.Options{}).TrustedRoot()
			}, reason: Untrusted, says: "not from an authority of the trusted root"},
			"a stamp of another": {fake: sigstore.Options{NoLog: true}, press: func(p *press) { p.noLog = true },
				change: func(t *testing.T, _ *verifyBed, p *pieceOf, by press) {
					other := by.image(t, p.format, strings.Replace(p.said, "nanobuild", "other", 1))
					p.pb.VerificationMaterial.TimestampVerificationData = other.pb.VerificationMaterial.TimestampVerificationData
				}, reason: Untrusted, says: "its timestamp is not from an authority"},
		} {
			t.Run(fmt.Sprintf("%s/%s", format, name), func(t *testing.T) { c.run(t, format) })
		}
	}
}

// A bundle could be made whose log entry is about another artifact, signature or
// signer, and cosign took it for the proof that this one was logged:
// https://github.com/advisories/GHSA-whqx-f9j3-ch6m. That an entry is genuine says
// nothing while it is not compared with what it lies beside.
func TestVerifyEntryOfAnother(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{Tags, Bundle} {
		for name, keyed := range map[string]bool{"by an identity": false, "by a key": true} {
			t.Run(fmt.Sprintf("%s/%s", format, name), func(t *testing.T) {
				t.Parallel()
				fake, b := sigstore.Start(t, sigstore.Options{}), newVerifyBed(t)
				by, o := newPress(fake), byMe(fake)
				if keyed {
					by.noIdentity, by.noStamp, by.keypair = true, true, ephemeral(t)
					text, err := by.keypair.GetPublicKeyPem()
					if err != nil {
						t.Fatal(err)
					}
					o = VerifierOptions{Key: pemFile(t, []byte(text)), RequireLog: true, TrustedRoot: fake.TrustedRoot()}
				}
				good := by.image(t, format, signingOf(format, b))
				place(t, b, good)
				if v, err := b.verify(t, o); err != nil || !v.Signatures[0].Logged {
					t.Fatalf("its own entry: %+v, %v", v, err)
				}
				again := newVerifyBed(t)
				bad := by.image(t, format, signingOf(format, again))
				bad.pb.VerificationMaterial.TlogEntries = good.pb.VerificationMaterial.TlogEntries
				place(t, again, bad)
				v, err := again.verify(t, o)
				if err == nil {
					t.Fatalf("verified %+v", v)
				}
				refusedAs(t, again, err, NotLogged, "its log entry is about another signature")
			})
		}
	}
}

// Where identities were asked for, cosign let in an old bundle that names a public key
// in place of a certificate: whose key it was, nobody had asked
// (https://github.com/advisories/GHSA-fx35-mq7g-6g98). A key is nobody's identity.
func TestVerifyKeyWhereIdentitiesCount(t *testing.T) {
	t.Parallel()
	fake := sigstore.Start(t, sigstore.Options{})
	by := newPress(fake)
	by.noIdentity = true
	for _, format := range []Format{Tags, Bundle} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			b := newVerifyBed(t)
			place(t, b, by.image(t, format, signingOf(format, b)))
			_, err := b.verify(t, byMe(fake))
			refusedAs(t, b, err, WrongIdentity, "it was made with a key and has no certificate")
		})
	}
	t.Run("old bundle", func(t *testing.T) {
		t.Parallel()
		b, p := newVerifyBed(t), newPen(t)
		raw := strings.Replace(string(p.bundle(t, statementAbout(b.image, PredicateSign, "{}"), p.hint(t))),
			"application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.1", 1)
		b.refer(t, []byte(raw), PredicateSign)
		_, err := b.verify(t, byMe(fake))
		refusedAs(t, b, err, WrongIdentity, "it was made with a key and has no certificate")
	})
	t.Run("key in place of the certificate", func(t *testing.T) {
		t.Parallel()
		b, p := newVerifyBed(t), newPen(t)
		s := p.signature(t, payloadAbout(b.image, "null"), withCertificate(p.pem(t)))
		b.put(t, "sig", s)
		_, err := b.verify(t, byMe(fake))
		refusedAs(t, b, err, Tampered, "is no certificate")
	})
}

// A certificate beside a signature says nothing where a key counts: who signed is told
// by the key.
func TestVerifyCertificateWhereAKeyCounts(t *testing.T) {
	t.Parallel()
	fake, p := sigstore.Start(t, sigstore.Options{}), newPen(t)
	for _, format := range []Format{Tags, Bundle} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			b := newVerifyBed(t)
			place(t, b, newPress(fake).image(t, format, signingOf(format, b)))
			_, err := b.verify(t, VerifierOptions{Key: p.public(t)})
			says := "it does not fit the key"
			if format == Bundle {
				says = `with a certificate for "` + me
			}
			refusedAs(t, b, err, WrongKey, says)
		})
	}
}

// One good signature counts beside others, which are told of.
func TestVerifyGoodBesideBad(t *testing.T) {
	t.Parallel()
	fake := sigstore.Start(t, sigstore.Options{})
	for _, format := range []Format{Tags, Bundle} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			b := newVerifyBed(t)
			you := newPress(fake)
			you.who = "https://github.com/you/web"
			unlogged := newPress(fake).image(t, format, signingOf(format, b))
			dropEntry(t, b, &unlogged, press{})
			place(t, b, you.image(t, format, signingOf(format, b)), newPress(fake).image(t, format, signingOf(format, b)), unlogged)
			v, err := b.verify(t, byMe(fake))
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Signatures) != 1 || v.Signatures[0].Identity != me || len(v.Refused) != 2 {
				t.Fatalf("found %+v", v)
			}
			for _, r := range v.Refused {
				if r.What != "signature" || !strings.Contains(r.Why, "github.com/you/web") && !strings.Contains(r.Why, "no proof") {
					t.Errorf("refused %+v", r)
				}
			}
		})
	}
}

// Many timestamps or entries are no reason to work for long.
func TestVerifyManyProofs(t *testing.T) {
	t.Parallel()
	fake, b := sigstore.Start(t, sigstore.Options{}), newVerifyBed(t)
	p := newPress(fake).image(t, Bundle, signingOf(Bundle, b))
	stamps := p.pb.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps
	var many []*protocommon.RFC3161SignedTimestamp
	for range 40 {
		many = append(many, stamps...)
	}
	p.pb.VerificationMaterial.TimestampVerificationData = &protobundle.TimestampVerificationData{Rfc3161Timestamps: many}
	place(t, b, p)
	_, err := b.verify(t, byMe(fake))
	refusedAs(t, b, err, Untrusted, "too many signed timestamps")
}
