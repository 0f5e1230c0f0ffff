//go:build !nosign

package sign

import (
	"bytes"
	"io"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// diagnose finds why the library refused a piece, step by step, since its errors are
// texts alone. It lets nothing in: what it does not find stays refused.
func (t *trust) diagnose(e *evidence) (found *refusal) {
	err := guarded(func() error {
		if t.key != nil {
			found = t.diagnoseKeyed(e)
		} else {
			found = t.diagnoseKeyless(e)
		}
		return nil
	})
	if err != nil {
		return refuse(Tampered, "%v", err)
	}
	return found
}

func (t *trust) diagnoseKeyed(e *evidence) *refusal {
	if !t.fits(e) {
		if e.hint == t.key.hint || t.logNamesKey(e) {
			return refuse(Tampered, "it says to be made with the key, but what was signed has been changed since")
		}
		return refuse(WrongKey, "it does not fit the key: it was made with another one, or what was signed has been changed since")
	}
	if t.log {
		return t.diagnoseLog(e, time.Time{}, time.Time{})
	}
	return nil
}

// logNamesKey says whether an entry of a log names our key as the signer's. It is not
// proven here, and serves to choose words.
func (t *trust) logNamesKey(e *evidence) bool {
	for _, entry := range e.entries {
		if t.key.equal(entry.PublicKey()) {
			return true
		}
	}
	return false
}

func (t *trust) diagnoseKeyless(e *evidence) *refusal {
	cert := e.certificate
	who, err := certificate.SummarizeCertificate(cert)
	if err != nil {
		return refuse(Untrusted, "its certificate is for nobody: %v", err)
	}
	name := shown(who.SubjectAlternativeName)
	if _, err := verify.VerifyLeafCertificate(cert.NotBefore, cert, t.root); err != nil {
		return refuse(Untrusted, "its certificate for %s is not from an authority of the trusted root", name)
	}
	if t.identity.SubjectAlternativeName.Verify(who) != nil {
		return refuse(WrongIdentity, "it was made by %s and not by %s", name, t.sought.identity)
	}
	if t.identity.Issuer.Verify(who) != nil {
		return refuse(WrongIssuer, "%s vouches for %s, and not %s", shown(who.Issuer), name, t.sought.issuer)
	}
	if !t.fits(e) {
		return refuse(Tampered, "it does not fit its certificate for %s: what was signed has been changed since", name)
	}
	if t.log {
		if r := t.diagnoseLog(e, cert.NotBefore, cert.NotAfter); r != nil {
			return r
		}
	}
	return t.diagnoseTimes(e)
}

// fits says whether the signature is one over the payload, whatever else is wrong.
func (t *trust) fits(e *evidence) bool {
	c := content{e}
	if e.enveloped {
		return verify.VerifySignature(c, e.by(), t.material(e)) == nil
	}
	return verify.VerifySignatureWithArtifacts(c, e.by(), t.material(e), []io.Reader{bytes.NewReader(e.payload)}) == nil
}

// diagnoseLog finds what is wrong with the entries of logs. The times are those between
// which the certificate is valid; zero for a key.
func (t *trust) diagnoseLog(e *evidence, from, to time.Time) *refusal {
	if e.noEntry != nil {
		return refuse(NotLogged, "its log entry cannot be read: %v", e.noEntry)
	}
	if len(e.entries) == 0 {
		return refuse(NotLogged, "it has no proof that a transparency log has it")
	}
	var known []*tlog.Entry
	for _, entry := range e.entries {
		if t.knows(entry) {
			known = append(known, entry)
		}
	}
	if len(known) == 0 {
		return refuse(Untrusted, "its log entry is of a transparency log that the trusted root does not have")
	}
	for _, entry := range known {
		at := entry.IntegratedTime()
		switch {
		case !bytes.Equal(entry.Signature(), e.signature) || !e.by().CompareKey(entry.PublicKey(), t.material(e)):
			return refuse(NotLogged, "its log entry is about another signature")
		case !from.IsZero() && !at.IsZero() && (at.Before(from) || at.After(to)):
			return expired(at, from, to)
		}
	}
	if _, err := verify.VerifyTlogEntry(e, t.material(e), 1, true); err != nil {
		return refuse(Untrusted, "its log entry is not proven by the transparency log: %v", err)
	}
	if t.loggedHere(e) != nil {
		return refuse(NotLogged, "%v", errOtherEntry)
	}
	return nil
}

func expired(at, from, to time.Time) *refusal {
	text := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return refuse(Expired, "its certificate was valid from %s to %s, and it was used at %s", text(from), text(to), text(at))
}

// diagnoseTimes finds what is wrong with the time of a signature by a certificate.
func (t *trust) diagnoseTimes(e *evidence) *refusal {
	m := t.material(e)
	var times []time.Time
	if t.log {
		logged, err := verify.VerifyTlogEntry(e, m, 1, true)
		if err != nil {
			return refuse(Untrusted, "its log entry is not proven by the transparency log: %v", err)
		}
		for _, at := range logged {
			times = append(times, at.Time)
		}
	}
	stamps, _, err := verify.VerifySignedTimestamp(e, m)
	if err != nil {
		return refuse(Untrusted, "its timestamps cannot be verified: %v", err)
	}
	for _, at := range stamps {
		times = append(times, at.Time)
	}
	switch {
	case len(times) == 0 && len(e.stamps) == 0:
		return refuse(NotLogged, "neither a transparency log nor a timestamp authority proves when it was made")
	case len(times) == 0:
		return refuse(Untrusted, "its timestamp is not from an authority of the trusted root, or is about another signature")
	}
	return t.diagnoseCertificate(e, times)
}

// diagnoseCertificate finds when the certificate or one of its authorities was not
// valid, or that no log of certificates knows it.
func (t *trust) diagnoseCertificate(e *evidence, times []time.Time) *refusal {
	cert := e.certificate
	for _, at := range times {
		if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
			return expired(at, cert.NotBefore, cert.NotAfter)
		}
		chains, err := verify.VerifyLeafCertificate(at, cert, t.root)
		if err != nil {
			return refuse(Expired, "an authority of its certificate was not valid any more when it was used, at %s", at.UTC().Format(time.RFC3339))
		}
		if len(t.root.CTLogs()) > 0 && verify.VerifySignedCertificateTimestamp(chains, 1, t.root) != nil {
			return refuse(Untrusted, "its certificate has no proof by a certificate log of the trusted root")
		}
	}
	return nil
}
