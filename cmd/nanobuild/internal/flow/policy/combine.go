package policy

import (
	"errors"
	"fmt"
)

// Check finds mistakes in values, and values that cannot stand together. Errors name
// the flags.
func (p Policy) Check() error {
	for _, f := range fields() {
		var values []string
		switch v := f.at(&p).(type) {
		case *string:
			if *v != "" {
				values = []string{*v}
			}
		case *[]string:
			values = *v
		}
		for _, v := range values {
			if err := f.check(v); err != nil {
				return fmt.Errorf("--%s: %w", f.name, err)
			}
		}
	}
	if p.AllowDirty && p.Source == "" {
		return errors.New("--allow-dirty is about --source, which is not asked for; leave it out, or name the repository")
	}
	return p.checkSigner()
}

func (p Policy) checkSigner() error {
	identity, issuer := p.Identity+p.IdentityRegexp != "", p.Issuer+p.IssuerRegexp != ""
	switch {
	case p.Unsigned:
		return p.checkUnsigned()
	case !p.Signed():
		return errors.New("whose signature counts is not said; give --key cosign.pub, or --certificate-identity NAME with --certificate-oidc-issuer URL and --trusted-root FILE, or check an image without its signature with --unsigned")
	case p.Key != "" && (identity || issuer):
		return errors.New("--key and --certificate-identity are two ways to say whose signature counts; leave one out")
	case p.Key != "" && p.RequireLog && p.TrustedRoot == "":
		return errors.New("--require-log needs to know which log counts; name it with --trusted-root FILE")
	case p.Key != "":
		return nil
	case !issuer:
		return errors.New("--certificate-identity needs the issuer too, since anybody can have a name that somebody vouches for; give --certificate-oidc-issuer URL, such as https://token.actions.githubusercontent.com")
	case !identity:
		return errors.New("--certificate-oidc-issuer vouches for many identities; say whose signature counts with --certificate-identity NAME")
	case p.Identity != "" && p.IdentityRegexp != "":
		return errors.New("--certificate-identity and --certificate-identity-regexp say the same in two ways; leave one out")
	case p.Issuer != "" && p.IssuerRegexp != "":
		return errors.New("--certificate-oidc-issuer and --certificate-oidc-issuer-regexp say the same in two ways; leave one out")
	case p.TrustedRoot == "":
		return errors.New("--certificate-identity needs the authorities that count; name them with --trusted-root FILE, such as sigstore's trusted_root.json, which cosign trusted-root create --with-default-services writes")
	}
	return nil
}

// checkUnsigned refuses what only a signature can tell.
func (p Policy) checkUnsigned() error {
	switch {
	case p.Signed():
		return errors.New("--unsigned contradicts what is asked about the signature; leave it out, or --key and --certificate-identity")
	case len(p.Require) > 0, p.BuilderID+p.Source != "":
		return errors.New("--unsigned leaves nobody whose word counts, and --require, --builder-id and --source need one; give --key or --certificate-identity in its place")
	case len(p.Annotations) > 0, p.RequireLog, p.TrustedRoot != "":
		return errors.New("--annotation, --require-log and --trusted-root are about a signature, which --unsigned does not look at; leave it out, or them")
	}
	return nil
}
