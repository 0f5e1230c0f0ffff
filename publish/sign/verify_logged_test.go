//go:build !nosign

package sign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/nanobuild/nanobuild/testdata/sigstore"
)

// careless is a log that promises to keep whatever it is given.
type careless struct{ key *ecdsa.PrivateKey }

func newCareless(t *testing.T) careless {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return careless{key}
}

func (c careless) id(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(c.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return sum[:]
}

// root trusts the log.
func (c careless) root(t *testing.T) []byte {
	t.Helper()
	r, err := root.NewTrustedRoot(root.TrustedRootMediaType01, nil, nil, nil, map[string]*root.TransparencyLog{
		hex.EncodeToString(c.id(t)): {
			BaseURL: "https://rekor.example", ID: c.id(t), PublicKey: c.key.Public(), HashFunc: crypto.SHA256, SignatureHashFunc: crypto.SHA256,
			ValidityPeriodStart: time.Unix(1, 0),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// promise is an entry with this body.
func (c careless) promise(t *testing.T, body string) *protorekor.TransparencyLogEntry {
	t.Helper()
	const when = 1_700_000_000
	text := fmt.Sprintf(`{"body":"%s","integratedTime":%d,"logID":"%x","logIndex":7}`, base64.StdEncoding.EncodeToString([]byte(body)), when, c.id(t))
	sum := sha256.Sum256([]byte(text))
	promise, err := ecdsa.SignASN1(rand.Reader, c.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex: 7, LogId: &protocommon.LogId{KeyId: c.id(t)}, IntegratedTime: when, CanonicalizedBody: []byte(body),
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: promise},
	}
}

// An entry may have the right signature and the right key, and be about something
// else: the third comparison of https://github.com/advisories/GHSA-whqx-f9j3-ch6m,
// which sigstore's library leaves out.
func TestVerifyEntryAboutAnotherPayload(t *testing.T) {
	t.Parallel()
	log := newCareless(t)
	for name, about := range map[string]string{"this": "", "another": "another payload"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, b := newPen(t), newVerifyBed(t)
			said := statementAbout(b.image, PredicateSign, "{}")
			if about == "" {
				about = said
			}
			env := p.envelope(t, said)
			body := fmt.Sprintf(`{"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"%[1]x"},"payloadHash":{"algorithm":"sha256","value":"%[1]x"},"signatures":[{"signature":"%[2]s","verifier":"%[3]s"}]}}`,
				sha256.Sum256([]byte(about)), env.Signatures[0].Sig, base64.StdEncoding.EncodeToString(p.pem(t)))
			entry := log.promise(t, body)
			entry.KindVersion = &protorekor.KindVersion{Kind: "dsse", Version: "0.0.1"}
			b.refer(t, oldBundle(t, env, entry), PredicateSign)
			v, err := b.verify(t, VerifierOptions{Key: p.public(t), RequireLog: true, TrustedRoot: log.root(t)})
			loose, looseErr := b.verify(t, VerifierOptions{Key: p.public(t), TrustedRoot: log.root(t)})
			if looseErr != nil {
				t.Fatal(looseErr)
			}
			if name == "this" {
				if err != nil || !v.Signatures[0].Logged || v.Signatures[0].Time != 1_700_000_000 || !loose.Signatures[0].Logged {
					t.Fatalf("found %+v and %+v, %v", v, loose, err)
				}
				return
			}
			if err == nil {
				t.Fatalf("verified %+v", v)
			}
			refusedAs(t, b, err, NotLogged, "its log entry is about something else")
			if s := loose.Signatures[0]; s.Logged {
				t.Errorf("said to be logged: %+v", s)
			}
		})
	}
}

func TestVerifyLogWhereOneIsRequired(t *testing.T) {
	t.Parallel()
	log := newCareless(t)
	p, b := newPen(t), newVerifyBed(t)
	b.put(t, "sig", p.signature(t, payloadAbout(b.image, "null")))
	_, err := b.verify(t, VerifierOptions{Key: p.public(t), RequireLog: true, TrustedRoot: log.root(t)})
	refusedAs(t, b, err, NotLogged, "no proof that a transparency log has it")
}

// What a log says of the key tells a tampered payload from another signer.
func TestVerifyTamperedWhatWasLogged(t *testing.T) {
	t.Parallel()
	fake, b := sigstore.Start(t, sigstore.Options{}), newVerifyBed(t)
	by := newPress(fake)
	by.noIdentity, by.noStamp, by.keypair = true, true, ephemeral(t)
	text, err := by.keypair.GetPublicKeyPem()
	if err != nil {
		t.Fatal(err)
	}
	good := by.image(t, Tags, signingOf(Tags, b))
	good.said = strings.Replace(good.said, "nanobuild", "evil", 1)
	place(t, b, good)
	_, err = b.verify(t, VerifierOptions{Key: pemFile(t, []byte(text))})
	refusedAs(t, b, err, Tampered, "it says to be made with the key, but what was signed has been changed since")
}

func TestLoggedHash(t *testing.T) {
	t.Parallel()
	short, long, longest := sha256.Sum256([]byte("x")), sha512.Sum384([]byte("x")), sha512.Sum512([]byte("x"))
	inHex, inBase64 := hex.EncodeToString(short[:]), base64.StdEncoding.EncodeToString(short[:])
	for name, c := range map[string]struct {
		spec string
		want crypto.Hash
	}{
		"hashedrekord 1":     {`{"data":{"hash":{"algorithm":"sha256","value":"` + inHex + `"}}}`, crypto.SHA256},
		"hashedrekord 2":     {`{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"` + inBase64 + `"}}}`, crypto.SHA256},
		"dsse 1":             {`{"envelopeHash":{"algorithm":"sha256","value":"00"},"payloadHash":{"algorithm":"sha256","value":"` + inHex + `"}}`, crypto.SHA256},
		"dsse 2":             {`{"dsseV002":{"payloadHash":{"algorithm":"SHA2_256","digest":"` + inBase64 + `"}}}`, crypto.SHA256},
		"intoto":             {`{"content":{"hash":{"algorithm":"sha256","value":"00"},"payloadHash":{"algorithm":"sha256","value":"` + inHex + `"}}}`, crypto.SHA256},
		"SHA-384":            {`{"data":{"hash":{"algorithm":"sha384","value":"` + hex.EncodeToString(long[:]) + `"}}}`, crypto.SHA384},
		"SHA-512":            {`{"hashedRekordV002":{"data":{"algorithm":"SHA2_512","digest":"` + base64.StdEncoding.EncodeToString(longest[:]) + `"}}}`, crypto.SHA512},
		"another length":     {`{"payloadHash":{"algorithm":"sha512","value":"` + inHex + `"}}`, 0},
		"another algorithm":  {`{"payloadHash":{"algorithm":"sha1","value":"` + inHex[:40] + `"}}`, 0},
		"cut":                {`{"payloadHash":{"algorithm":"sha256","value":"` + inHex[2:] + `"}}`, 0},
		"no hash at all":     {`{}`, 0},
		"no hexadecimal":     {`{"payloadHash":{"algorithm":"sha256","value":"x"}}`, 0},
		"no algorithm named": {`{"payloadHash":{"value":"` + inHex + `"}}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, digest := hashInEntry([]byte(`{"spec":` + c.spec + `}`))
			if want := map[crypto.Hash][]byte{crypto.SHA256: short[:], crypto.SHA384: long[:], crypto.SHA512: longest[:]}[c.want]; got != c.want || !bytes.Equal(digest, want) {
				t.Errorf("read %v %x", got, digest)
			}
		})
	}
}

// Keys whose signatures are over a longer hash have it in the entry, too.
func TestVerifyLoggedByLongerHash(t *testing.T) {
	t.Parallel()
	log := newCareless(t)
	for algorithm, p := range map[string]pen{"sha384": ecdsaPen(t, elliptic.P384(), crypto.SHA384), "sha512": edPen(t, crypto.SHA512)} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			b := newVerifyBed(t)
			said := payloadAbout(b.image, "null")
			sig := p.sign(t, []byte(said))
			h := p.hash.New()
			h.Write([]byte(said))
			body := fmt.Sprintf(`{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":%q,"value":"%x"}},"signature":{"content":%q,"publicKey":{"content":%q}}}}`,
				algorithm, h.Sum(nil), base64.StdEncoding.EncodeToString(sig), base64.StdEncoding.EncodeToString(p.pem(t)))
			entry := log.promise(t, body)
			b.put(t, "sig", layer(t, said, sig, static.WithBundle(&cbundle.RekorBundle{
				SignedEntryTimestamp: entry.GetInclusionPromise().GetSignedEntryTimestamp(),
				Payload: cbundle.RekorPayload{
					Body: base64.StdEncoding.EncodeToString([]byte(body)), IntegratedTime: entry.GetIntegratedTime(),
					LogIndex: entry.GetLogIndex(), LogID: hex.EncodeToString(log.id(t)),
				},
			})))
			v, err := b.verify(t, VerifierOptions{Key: p.public(t), RequireLog: true, TrustedRoot: log.root(t)})
			if err != nil || !v.Signatures[0].Logged {
				t.Errorf("found %+v, %v", v, err)
			}
		})
	}
}

// oldBundle is one by a key with a log's promise alone, which the first version of
// bundles lets in.
func oldBundle(t *testing.T, env dsse.Envelope, entry *protorekor.TransparencyLogEntry) []byte {
	t.Helper()
	raw, err := protojson.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	b := bundleOf(t, env, map[string]any{"publicKey": map[string]any{"hint": ""}, "tlogEntries": []json.RawMessage{raw}})
	return []byte(strings.Replace(string(b), "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.1", 1))
}

// A log entry that nobody can read proves nothing, and takes nothing away where no log
// is asked for.
func TestVerifyUnreadableEntry(t *testing.T) {
	t.Parallel()
	log, p := newCareless(t), newPen(t)
	for name, body := range map[string]any{
		"no text": 7, "no base64": "%", "no JSON": "aGVsbG8=", "nothing": nil,
		"old kind": base64.StdEncoding.EncodeToString([]byte(`{"apiVersion":"0.0.1","kind":"rekord","spec":{}}`)),
		"no spec":  base64.StdEncoding.EncodeToString([]byte(`{"apiVersion":"0.0.1","kind":"dsse","spec":{}}`)),
		"no PEM":   base64.StdEncoding.EncodeToString([]byte(`{"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"` + strangeImage().Hex + `"},"payloadHash":{"algorithm":"sha256","value":"` + strangeImage().Hex + `"},"signatures":[{"signature":"AAAA","verifier":"AAAA"}]}}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newVerifyBed(t)
			b.put(t, "sig", p.signature(t, payloadAbout(b.image, "null"), static.WithBundle(&cbundle.RekorBundle{
				SignedEntryTimestamp: []byte("x"), Payload: cbundle.RekorPayload{Body: body, LogID: hex.EncodeToString(log.id(t))},
			})))
			v, err := b.verify(t, VerifierOptions{Key: p.public(t), TrustedRoot: log.root(t)})
			if err != nil || v.Signatures[0].Logged {
				t.Errorf("found %+v, %v", v, err)
			}
			_, err = b.verify(t, VerifierOptions{Key: p.public(t), TrustedRoot: log.root(t), RequireLog: true})
			refusedAs(t, b, err, NotLogged, "its log entry cannot be read")
			_, err = b.verify(t, VerifierOptions{Key: newPen(t).public(t)})
			refusedAs(t, b, err, WrongKey, "it does not fit the key")
		})
	}
}

// A root that knows logs of certificates asks for them, as cosign does.
func TestVerifyCertificateLog(t *testing.T) {
	t.Parallel()
	fake, b := sigstore.Start(t, sigstore.Options{}), newVerifyBed(t)
	place(t, b, newPress(fake).image(t, Bundle, signingOf(Bundle, b)))
	o := byMe(fake)
	o.TrustedRoot = edited(t, o.TrustedRoot, func(r map[string]any) { r["ctlogs"] = r["tlogs"] })
	_, err := b.verify(t, o)
	refusedAs(t, b, err, Untrusted, "no proof by a certificate log")
}

func edited(t *testing.T, raw []byte, change func(map[string]any)) []byte {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	change(r)
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// An authority may end before its certificates do. cosign compared certificates with
// the time at which they were issued alone, and let such a signature in:
// https://github.com/advisories/GHSA-wfqv-66vq-46rm.
func TestVerifyEndedAuthority(t *testing.T) {
	t.Parallel()
	fake, b := sigstore.Start(t, sigstore.Options{}), newVerifyBed(t)
	by := newPress(fake)
	by.pause = 1100 * time.Millisecond // times in certificates and logs are of seconds
	p := by.image(t, Bundle, signingOf(Bundle, b))
	place(t, b, p)
	cert, err := x509.ParseCertificate(p.pb.GetVerificationMaterial().GetCertificate().GetRawBytes())
	if err != nil {
		t.Fatal(err)
	}
	o := byMe(fake)
	if _, err := b.verify(t, o); err != nil {
		t.Fatal(err)
	}
	o.TrustedRoot = edited(t, o.TrustedRoot, func(r map[string]any) {
		authority := r["certificateAuthorities"].([]any)[0].(map[string]any)
		authority["validFor"].(map[string]any)["end"] = cert.NotBefore.UTC().Format(time.RFC3339)
	})
	_, err = b.verify(t, o)
	refusedAs(t, b, err, Expired, "an authority of its certificate was not valid any more")
}
