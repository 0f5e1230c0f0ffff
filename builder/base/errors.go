package base

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// What Resolve's errors can be asked for with errors.Is.
var (
	ErrNotFound     = errors.New("not found")                    // registry, layout and archive
	ErrUnauthorized = errors.New("not authorised")               // refused by a registry
	ErrUnreachable  = errors.New("the registry cannot be asked") // network, proxy, TLS, or a registry in trouble
)

// explain adds the kind and the remedy to an error of a registry. given is the
// reference as the user wrote it.
func explain(ctx context.Context, err error, given string, ref name.Reference) error {
	if err == nil || ctx.Err() != nil { // a time limit of the network is like context.DeadlineExceeded too
		return err
	}
	host := ref.Context().RegistryStr()
	var refused *plainHTTPError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: %w; if %s has no https and you trust the network to it, pass --insecure %s", ErrUnreachable, err, refused.host, refused.host)
	}
	var answer *transport.Error
	if errors.As(err, &answer) {
		return explainAnswer(shortError{err}, answer.StatusCode, given, ref)
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w: %w; add the registry's certificate authority to the system's", ErrUnreachable, err)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%w: %w; if %s has no https and you trust the network to it, pass --insecure %s", ErrUnreachable, err, host, host)
	}
	if unanswered(err) {
		if isAlias(given) {
			return fmt.Errorf("%w: %w; %s", ErrUnreachable, err, noDaemon(given))
		}
		return fmt.Errorf("%w: %w; check the host name %s, the network and the proxy (HTTPS_PROXY, NO_PROXY)", ErrUnreachable, err, host)
	}
	return err
}

// unanswered says whether an error is the network's, and no answer of a registry.
func unanswered(err error) bool {
	var answer *transport.Error
	if errors.As(err, &answer) {
		return false
	}
	var request *url.Error
	var network net.Error
	return errors.As(err, &request) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}

func explainAnswer(err error, status int, given string, ref name.Reference) error {
	repo := ref.Context()
	kind := ErrUnreachable
	remedy := fmt.Sprintf("%s is in trouble: try again later", repo.RegistryStr())
	switch status {
	case http.StatusNotFound:
		kind, remedy = ErrNotFound, fmt.Sprintf("check the repository %s and the tag or digest %s", repo.Name(), ref.Identifier())
	case http.StatusUnauthorized, http.StatusForbidden:
		kind, remedy = ErrUnauthorized, "check the name, and log in: "+login(repo.Registry)
	case http.StatusTooManyRequests:
		remedy = fmt.Sprintf("%s limits requests: log in (%s), or try again later", repo.RegistryStr(), login(repo.Registry))
	}
	if !errors.Is(kind, ErrUnreachable) && isAlias(given) {
		remedy = noDaemon(given)
	}
	return fmt.Errorf("%w: %w; %s", kind, err, remedy)
}

func noDaemon(given string) string {
	return fmt.Sprintf("%[1]s names no registry, so Docker Hub was asked; images of the local Docker daemon are not read: "+
		"give tar:base.tar after docker save -o base.tar %[1]s, or push it to a registry and give its name there", given)
}

// isAlias says whether a reference names no registry, as images do that exist in
// a local Docker only. Short names are none of those.
func isAlias(given string) bool {
	given = Expand(given)
	first, rest, ok := strings.Cut(given, "/")
	return !ok || rest == "" || !strings.ContainsAny(first, ".:") && first != "localhost"
}

// login returns the command that stores credentials for a registry.
func login(r name.Registry) string {
	if r.RegistryStr() == name.DefaultRegistry {
		return "docker login"
	}
	return "docker login " + r.RegistryStr()
}

// shortError is an error without the rest of the web page that answered for a
// registry.
type shortError struct{ err error }

// maxText is the longest text of an answer that is shown, in bytes.
const maxText = 600

func (e shortError) Error() string {
	s := e.err.Error()
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

func (e shortError) Unwrap() error { return e.err }
