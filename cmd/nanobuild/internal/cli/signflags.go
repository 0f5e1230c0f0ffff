package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

// addSignFlags adds the flags of every command that signs.
func addSignFlags(flags *pflag.FlagSet, o *flow.SigningOptions) {
	flags.StringVar(&o.Key, "sign-key", "", "sign with the `KEY`: a file in cosign's format, env://VARIABLE with the content of one, or a key in a KMS\nsuch as awskms://…, for which the program sigstore-kms-awskms is run")
	flags.BoolVar(&o.Keyless, "sign-keyless", false, "sign with a short-lived certificate for the identity of the job, such as a GitHub workflow")
	flags.StringVar(&o.Format, "sign-format", "", "`format` of the signatures: tags, or bundle (default: tags with a key, bundle with --sign-keyless)")
	flags.StringArrayVar(&o.Annotations, "sign-annotation", nil, "`NAME=VALUE` that is signed with the image (repeatable)")
	flags.StringVar(&o.IdentityToken, "identity-token", "", "`FILE` with the OpenID Connect token for --sign-keyless\n(default: SIGSTORE_ID_TOKEN, else the token of the GitHub job)")
	flags.StringVar(&o.Fulcio, "fulcio-url", "", "`URL` of the certificate authority (default: sigstore's public one)")
	flags.StringVar(&o.Rekor, "rekor-url", "", "`URL` of the transparency log; none leaves it out, and needs --timestamp-url (default: sigstore's public one)")
	flags.StringVar(&o.TSA, "timestamp-url", "", "`URL` of a timestamp authority")
	flags.StringVar(&o.SigningConfig, "signing-config", "", "`FILE` that names these services, in sigstore's format")
	addTrustedRootFlag(flags, &o.TrustedRoot)
}

// addTrustedRootFlag adds the flag that signing and verifying share.
func addTrustedRootFlag(flags *pflag.FlagSet, file *string) {
	flags.StringVar(file, "trusted-root", "", "`FILE` with the authorities and logs of sigstore that count, such as trusted_root.json")
}

// signing completes what the flags say about signing, and keeps the secrets of it out of
// all messages.
func (a *app) signing(o *flow.SigningOptions) {
	o.Password = a.keyPassword
	for _, v := range []variable{envKeyPassword, envIdentityToken, envActionsToken} {
		a.log.secrets.Add(a.getenv(v))
	}
	if name, ok := strings.CutPrefix(o.Key, "env://"); ok {
		a.log.secrets.Add(a.getenv(variable(name)))
	}
}

// keyPassword is the password of a key: that of the environment, which may be empty,
// else what somebody types.
func (a *app) keyPassword(ctx context.Context) ([]byte, error) {
	if password, ok := a.lookupEnv(envKeyPassword); ok {
		return []byte(password), nil
	}
	if a.AskSecret == nil {
		return nil, fmt.Errorf("the key has a password, and there is no terminal to ask for it: set %s", envKeyPassword)
	}
	return a.askKeyPassword(ctx, "Password of the key: ")
}

func (a *app) askKeyPassword(ctx context.Context, prompt string) ([]byte, error) {
	fmt.Fprint(a.Stderr, prompt)
	password, err := a.AskSecret(ctx)
	fmt.Fprintln(a.Stderr)
	if err != nil {
		return nil, fmt.Errorf("read the password of the key: %w", err)
	}
	a.log.secrets.Add(password)
	return []byte(password), nil
}

// newPassword is the password for a key that is made: typed twice, since nobody could
// guess what was mistyped.
func (a *app) newPassword(ctx context.Context) ([]byte, error) {
	if password, ok := a.lookupEnv(envKeyPassword); ok {
		return []byte(password), nil
	}
	if a.AskSecret == nil {
		return nil, usageError{fmt.Errorf("the key needs a password, and there is no terminal to ask for one: set %s; empty is none", envKeyPassword)}
	}
	first, err := a.askKeyPassword(ctx, "Password for the key: ")
	if err != nil {
		return nil, err
	}
	second, err := a.askKeyPassword(ctx, "The same once more: ")
	if err != nil {
		return nil, err
	}
	if string(first) != string(second) {
		return nil, usageError{errors.New("the two passwords differ; no key was made")}
	}
	return first, nil
}
