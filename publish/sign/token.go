package sign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tokenFile is where platforms put a token for cosign, which is taken likewise.
//
// https://github.com/sigstore/cosign/blob/main/pkg/providers/filesystem/filesystem.go
const tokenFile = "/var/run/sigstore/cosign/oidc-token" //nolint:gosec // a file's name

// maxToken is the most that a token has, in bytes. Headers of requests, in which it
// is sent, are not larger either.
const maxToken = 64 << 10

// TokenOptions say where an identity's token is.
type TokenOptions struct {
	// File holds the token; "" looks for it in the variable SIGSTORE_ID_TOKEN, then
	// asks GitHub Actions, and then looks for the file that cosign reads.
	File string

	Environment
}

// TokenFrom returns a function that gets an OpenID Connect token for the audience
// sigstore. It fails where there is none, saying all ways to have one, and where what
// there is cannot be one. Its errors never show a token.
func TokenFrom(o TokenOptions) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) { return findToken(ctx, o, tokenFile) }
}

func findToken(ctx context.Context, o TokenOptions, usual string) (string, error) {
	if o.File != "" {
		return readToken(o.File, o.WorkDir, "--identity-token ")
	}
	if token := lookup(o.Environ, "SIGSTORE_ID_TOKEN"); token != "" {
		return checked(token, "the variable SIGSTORE_ID_TOKEN")
	}
	if job := actionsOf(o.Environment); job.complete() {
		token, err := job.token(ctx)
		if err != nil {
			return "", err
		}
		return checked(token, "the answer of GitHub Actions")
	}
	token, err := readToken(usual, "", "")
	if errors.Is(err, fs.ErrNotExist) {
		return "", noToken(o.Environ)
	}
	return token, err
}

// noToken lists the ways to have one.
func noToken(environ []string) error {
	if lookup(environ, "GITHUB_ACTIONS") == "true" {
		return errors.New("keyless signing needs an identity token, and this GitHub job may not ask for one\n" +
			"add “permissions: id-token: write” to the job; jobs for pull requests of forks never have it")
	}
	return errors.New("keyless signing needs an OpenID Connect token for the audience sigstore, and there is none\n" +
		"in GitHub Actions add “permissions: id-token: write” to the job, elsewhere set SIGSTORE_ID_TOKEN\n" +
		"or name a file that has one with --identity-token; on a laptop sign with --sign-key, or with cosign, which opens a browser")
}

// readToken reads a token from a file; flag is said before its name.
func readToken(name, workDir, flag string) (string, error) {
	if strings.HasPrefix(name, "ey") && strings.Count(name, ".") == 2 {
		return "", errors.New("--identity-token takes a file that has the token, since others can see the arguments of a program; or set SIGSTORE_ID_TOKEN")
	}
	path := name
	if workDir != "" && !filepath.IsAbs(name) {
		path = filepath.Join(workDir, name)
	}
	text, err := readAtMost(path, maxToken)
	if err != nil {
		return "", fmt.Errorf("read the identity token %s%s: %w", flag, name, pathless(err))
	}
	return checked(string(text), "the file "+flag+name)
}

// readAtMost reads a file to its end, or one byte more than the limit.
func readAtMost(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, limit+1))
}

// pathless leaves out of an error the file that is named already.
func pathless(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// checked returns a token as it is sent. It fails where a source has none for sigstore.
func checked(token, source string) (string, error) {
	token = strings.TrimSpace(token)
	if _, err := readClaims(token); err != nil {
		return "", fmt.Errorf("%s has no identity token for sigstore: %w", source, err)
	}
	return token, nil
}

// lookup returns the last value of a variable in name=value.
func lookup(environ []string, name string) (value string) {
	for _, one := range environ {
		if n, v, ok := strings.Cut(one, "="); ok && n == name {
			value = v
		}
	}
	return value
}
