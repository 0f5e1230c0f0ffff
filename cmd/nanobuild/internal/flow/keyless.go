package flow

import (
	"context"

	"github.com/nanobuild/nanobuild/publish/sign"
)

// keyless reads what says who vouches for an identity.
func (o SigningOptions) keyless(d Deps) (*sign.Keyless, error) {
	config, err := readSmall("--signing-config", o.SigningConfig, d, maxSettings)
	if err != nil {
		return nil, err
	}
	trusted, err := readSmall("--trusted-root", o.TrustedRoot, d, maxSettings)
	if err != nil {
		return nil, err
	}
	return &sign.Keyless{
		Token: o.token(d), Now: d.Now, Fulcio: o.Fulcio, Rekor: o.Rekor, TSA: o.TSA, SigningConfig: config, TrustedRoot: trusted,
	}, nil
}

// token returns what gets a token of the identity. Nobody may ever see one.
func (o SigningOptions) token(d Deps) func(context.Context) (string, error) {
	get := sign.TokenFrom(sign.TokenOptions{File: o.IdentityToken, Environment: environmentOf(d)})
	return func(ctx context.Context) (string, error) {
		token, err := get(ctx)
		if err == nil && d.Secrets != nil {
			d.Secrets.Add(token)
		}
		return token, err
	}
}

// checkToken finds out before the work begins whether there is a token. One lives for
// minutes, so that another one is asked for to sign.
func (o SigningOptions) checkToken(ctx context.Context, d Deps) error {
	if !o.Keyless {
		return nil
	}
	_, err := o.token(d)(ctx)
	return at(StageSign, err)
}
