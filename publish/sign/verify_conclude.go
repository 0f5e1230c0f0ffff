//go:build !nosign

package sign

import (
	"errors"
	"fmt"
)

// conclude sums up what was found. It fails with a [VerifyError] where no signature
// of the image counts; attestations do not stand in for one.
func conclude(name string, format Format, all []outcome) (*Verified, error) {
	v := &Verified{Format: format}
	var worst *refusal
	for _, o := range all {
		switch {
		case o.refused != nil:
			v.Refused = append(v.Refused, RefusedArtifact{What: o.what(), Why: o.refused.why})
			if o.meansToSign() && (worst == nil || telling(o.refused.reason) > telling(worst.reason)) {
				worst = o.refused
			}
		case o.signs():
			v.Signatures = append(v.Signatures, o.signature)
		default:
			s := o.signature
			v.Attestations = append(v.Attestations, Attestation{Signature: s, PredicateType: o.claim.predicateType, Predicate: o.claim.predicate})
		}
	}
	if len(v.Signatures) > 0 {
		return v, nil
	}
	return nil, notVerified(name, v, worst)
}

// what names a refused piece. The predicate's type in it is not proven.
func (o outcome) what() string {
	switch {
	case o.meansToSign():
		return "signature"
	case o.claim.predicateType != "":
		return cut(o.claim.predicateType)
	}
	return "attestation"
}

// meansToSign says whether a refused piece would have signed the image. A bundle that
// cannot be read may have.
func (o outcome) meansToSign() bool {
	return o.signs() || o.evidence.origin == ofBundle && o.claim.predicateType == ""
}

func notVerified(name string, v *Verified, worst *refusal) *VerifyError {
	e := &VerifyError{Subject: name}
	switch {
	case worst != nil:
		e.Reason = worst.reason
		e.Why = "no signature counts: " + worst.why
		if n := len(v.Refused) - 1; n > 0 {
			e.Why += fmt.Sprintf(" (and %s refused)", count(n, "more was", "more were"))
		}
	case len(v.Attestations)+len(v.Refused) > 0:
		e.Reason = AttestationOnly
		e.Why = fmt.Sprintf("it is not signed; all there is are attestations, %d that would count and %d refused", len(v.Attestations), len(v.Refused))
	default:
		e.Reason = Unsigned
		e.Why = "it is not signed: the registry has neither signatures nor attestations of it"
	}
	return e
}

// advise adds what to do.
func (v *verifier) advise(err error) error {
	var e *VerifyError
	if !errors.As(err, &e) {
		return err
	}
	switch e.Reason {
	case Unsigned, AttestationOnly:
		e.Try = "sign it with nanobuild sign IMAGE@DIGEST."
	case WrongKey:
		e.Try = "name the public key of whoever signed it (--key); what was signed without a key is verified by --certificate-identity and --certificate-oidc-issuer."
	case WrongIdentity, WrongIssuer:
		e.Try = "give the identity and the issuer of whoever signs with --certificate-identity and --certificate-oidc-issuer."
	case Untrusted:
		e.Try = "give the trusted root of the sigstore that signed it with --trusted-root."
	case OtherImage, Tampered:
		e.Try = "do not use the image before you know who put that there."
	case NotLogged, Expired:
		e.Try = "have it signed again, with a transparency log that the trusted root has."
	case WrongAnnotation:
		e.Try = "sign it again with --sign-annotation, or ask for the annotations that it has."
	case Mixed:
	}
	return e
}

// cut shortens a foreign text.
func cut(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}
