package flow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nanobuild/nanobuild/publish/sign"
)

// SigningOptions say who signs, and how. The zero value signs nothing.
type SigningOptions struct {
	Key      string // a file, env://VARIABLE, or the reference of a key in a KMS
	Keyless  bool   // with a certificate for an identity
	Password func(context.Context) ([]byte, error)

	Fulcio, Rekor, TSA string // URLs
	SigningConfig      string // file that has them
	TrustedRoot        string // file with whom to trust
	IdentityToken      string // file; "" looks where tokens usually are

	Format      string   // "tags" or "bundle"; "" is the usual one
	Annotations []string // NAME=VALUE
}

// asked says whether something is to be signed.
func (o SigningOptions) asked() bool { return o.Key != "" || o.Keyless }

// check finds mistakes in the options.
func (o SigningOptions) check() error {
	services := o.Fulcio + o.Rekor + o.TSA
	switch {
	case o.Key != "" && o.Keyless:
		return errors.New("--sign-key and --sign-keyless are two ways to sign: leave one out")
	case o.Format != "" && o.Format != string(sign.Tags) && o.Format != string(sign.Bundle):
		return fmt.Errorf("--sign-format %s is unknown: use tags or bundle", o.Format)
	case !o.asked() && (o.Format != "" || len(o.Annotations) > 0):
		return errors.New("--sign-format and --sign-annotation say how to sign, but nobody signs; add --sign-key FILE or --sign-keyless")
	case !o.Keyless && services+o.SigningConfig+o.TrustedRoot+o.IdentityToken != "":
		return errors.New("--fulcio-url, --rekor-url, --timestamp-url, --signing-config, --trusted-root and --identity-token are for --sign-keyless; add it")
	case o.SigningConfig != "" && services != "":
		return errors.New("--signing-config names all services: leave --fulcio-url, --rekor-url and --timestamp-url out")
	}
	_, err := annotationsOf(o.Annotations)
	return err
}

// annotationsOf reads NAME=VALUE.
func annotationsOf(pairs []string) (map[string]string, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	all := make(map[string]string, len(pairs))
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--sign-annotation %q is not NAME=VALUE", p)
		}
		all[name] = value
	}
	return all, nil
}

// signer opens the key, or makes ready to ask for a certificate; nil where nothing is to
// be signed.
func (o SigningOptions) signer(ctx context.Context, d Deps) (sign.Signer, error) {
	if err := o.check(); err != nil {
		return nil, at(StageUsage, err)
	}
	if !o.asked() {
		return nil, nil
	}
	annotations, err := annotationsOf(o.Annotations)
	if err != nil {
		return nil, at(StageUsage, err)
	}
	options := sign.SignerOptions{Key: o.Key, Format: sign.Format(o.Format), Annotations: annotations, Environment: environmentOf(d)}
	if o.Password != nil {
		options.Password = func() ([]byte, error) { return o.Password(ctx) }
	}
	if o.Keyless {
		if options.Keyless, err = o.keyless(d); err != nil {
			return nil, at(StageUsage, err)
		}
	}
	s, err := sign.NewSigner(ctx, options)
	switch {
	case errors.Is(err, sign.ErrLeftOut):
		return nil, at(StageUsage, err)
	case err != nil:
		return nil, at(StageSign, err)
	}
	return s, nil
}

// environmentOf is what keys and tokens are read with.
func environmentOf(d Deps) sign.Environment {
	return sign.Environment{Environ: d.Environ, WorkDir: d.WorkDir, Transport: d.Transport}
}

// readSmall reads a file that a flag names, of at most so many bytes; nil where it names
// none.
func readSmall(flag, file string, d Deps, most int64) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.WorkDir, path)
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > most {
		err = fmt.Errorf("it has %d bytes, more than any such file", info.Size())
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", flag, file, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", flag, file, err)
	}
	return raw, nil
}

// maxSettings is the largest file of settings, in bytes. A trusted root has some ten
// thousand.
const maxSettings = 4 << 20
