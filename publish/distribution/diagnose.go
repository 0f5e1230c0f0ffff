package distribution

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// diagnose tells of what kind an error is, and what to try.
func (r *Repository) diagnose(ctx context.Context, err error) (Kind, string) {
	host := r.name.RegistryStr()
	var source *SourceError
	if errors.As(err, &source) {
		return Other, "" // it is not the registry's
	}
	var status *StatusError
	if errors.As(err, &status) {
		return r.diagnoseStatus(ctx, status)
	}
	var plain *PlainHTTPError
	var address *AddressError
	var redirects *redirectError
	var proxy *ProxyError
	var files *CertificateError
	var damaged *DamagedError
	var stalled *StallError
	var network *url.Error
	switch {
	case errors.As(err, &plain), errors.As(err, &address), errors.As(err, &proxy), errors.As(err, &files):
		return Unreachable, "" // they say it themselves
	case errors.As(err, &redirects):
		return Unreachable, checkAnswers(host)
	case errors.As(err, &damaged):
		return Unreachable, fmt.Sprintf("check that %s is a registry, and that nothing on the way to it changes answers", host)
	case errors.As(err, &stalled):
		return Unreachable, "try again, or look at the network and at the proxy (HTTPS_PROXY, NO_PROXY)"
	case errors.As(err, &network), cut(err):
		return Unreachable, r.diagnoseNetwork(err)
	}
	return Other, ""
}

// diagnoseNetwork is what to try when no answer came.
func (r *Repository) diagnoseNetwork(err error) string {
	host := r.name.RegistryStr()
	var unknown x509.UnknownAuthorityError
	var other x509.HostnameError
	var invalid x509.CertificateInvalidError
	var certificate *tls.CertificateVerificationError
	var missing *net.DNSError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Sprintf("if %s has no https and you trust the network to it, pass --insecure %s", host, host)
	case errors.As(err, &unknown):
		return fmt.Sprintf("pass the certificate of its authority by --ca-file, or put it into ~/.docker/certs.d/%s/ca.crt", host)
	case errors.As(err, &other):
		return "use a name that its certificate is for, or have it renewed for this one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "have its certificate renewed, and check the clock of this machine"
	case errors.As(err, &certificate):
		return "have its certificate repaired"
	case strings.Contains(err.Error(), "remote error: tls: "):
		return fmt.Sprintf("if it wants a certificate of yours, put that into ~/.docker/certs.d/%s as client.cert and client.key", host)
	case errors.As(err, &missing):
		return "check the name, and the network"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "check the name and the port, and that the registry runs"
	}
	return "try again, or look at the network and at the proxy (HTTPS_PROXY, NO_PROXY)"
}

// diagnoseStatus is what to try about an answer.
func (r *Repository) diagnoseStatus(ctx context.Context, e *StatusError) (Kind, string) {
	host := r.name.RegistryStr()
	switch {
	case e.Status < http.StatusMultipleChoices:
		return Unreachable, checkAnswers(e.Host)
	case e.limited():
		if r.access.anonymous(ctx) {
			return Trouble, "log in to raise the limit (" + loginCommand(host) + "), or try again later"
		}
		return Trouble, "try again later"
	case e.readOnly():
		return Refused, "try again when it takes pushes, or push to another registry"
	case e.Status == http.StatusForbidden && e.overQuota():
		return Refused, fmt.Sprintf("free or raise the quota of %s", r.name)
	case e.unauthorized():
		return Unauthorized, r.diagnoseRights(ctx)
	case r.rights == Push && e.has(transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode):
		return Refused, fmt.Sprintf("%s loses what it was sent: look for a job that cleans it up, and try again", host)
	case e.Status == http.StatusNotFound && e.Path == "/v2/":
		return NotFound, checkAnswers(e.Host)
	case e.Status == http.StatusNotFound:
		return NotFound, r.diagnoseMissing()
	case e.Status == http.StatusRequestEntityTooLarge && len(e.Errors) > 0:
		return Refused, fmt.Sprintf("free or raise the quota of %s", r.name)
	case e.Status == http.StatusRequestEntityTooLarge:
		return Refused, fmt.Sprintf("a proxy in front of %s may limit requests: have its limit raised, or pass a smaller --upload-chunk-size", host)
	case e.Status == http.StatusInsufficientStorage:
		return Refused, fmt.Sprintf("free or raise the storage of %s", host)
	case e.Status >= http.StatusInternalServerError || passingStatus(e.Status):
		return Trouble, fmt.Sprintf("%s is in trouble: try again later, or tell who runs it", e.Host)
	case e.Status == http.StatusBadRequest && strings.Contains(e.Text, "HTTP request to an HTTPS server"):
		return Unreachable, fmt.Sprintf("%s speaks https: leave --insecure away", host)
	case e.Status == http.StatusMethodNotAllowed && r.rights == Push:
		return Refused, fmt.Sprintf("%s may be a read-only mirror: push to the registry behind it", host)
	}
	return Refused, e.diagnoseCode()
}

// diagnoseCode is what to try about a refusal for which its code alone gives the
// reason.
func (e *StatusError) diagnoseCode() string {
	switch {
	case e.has(transport.DigestInvalidErrorCode, transport.SizeInvalidErrorCode):
		return fmt.Sprintf("something on the way to %s changes what is sent: try again, or look at the proxy (HTTPS_PROXY, NO_PROXY)", e.Host)
	case e.has(transport.NameInvalidErrorCode):
		return "take another name: the registry has rules of its own for names"
	case e.has(transport.ManifestInvalidErrorCode):
		return fmt.Sprintf("look into the log of %s for what it minds, or ask who runs it", e.Host)
	}
	return ""
}

// readOnly tells whether a registry says that it takes nothing now.
func (e *StatusError) readOnly() bool {
	return e.Status == http.StatusForbidden && e.mentions("read-only", "read only", "readonly", "maintenance")
}

// overQuota tells whether a registry says that there is too much of something.
func (e *StatusError) overQuota() bool { return e.mentions("quota", "exceed", "storage limit") }

func (e *StatusError) mentions(words ...string) bool {
	said := strings.ToLower(e.said())
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
}

// checkAnswers is what to try when the answers are none of a registry.
func checkAnswers(host string) string {
	return fmt.Sprintf("check that %s is a registry, and that no proxy or login page answers in its place", host)
}

func (r *Repository) diagnoseRights(ctx context.Context) string {
	host := r.name.RegistryStr()
	if r.access.anonymous(ctx) && !r.access.forgone.Load() {
		return fmt.Sprintf("no credentials were found for %s; log in: %s%s", host, loginCommand(host), r.variables())
	}
	s := fmt.Sprintf("the credentials for %s are wrong, or may not %s; log in again: %s", host, r.right(), loginCommand(host))
	if host == "ghcr.io" && r.rights == Push {
		s += ", with a token that has write:packages; in GitHub Actions give the job `permissions: packages: write`"
	}
	return s
}

// variables is the other way to give credentials.
func (r *Repository) variables() string {
	switch {
	case r.rights == Pull:
		return ", or set DOTNET_CONTAINER_PULL_REGISTRY_UNAME and DOTNET_CONTAINER_PULL_REGISTRY_PWORD"
	case r.name.RegistryStr() == "ghcr.io":
		return ", or in GitHub Actions give the job `permissions: packages: write` and set GITHUB_TOKEN"
	}
	return ", or set DOTNET_CONTAINER_PUSH_REGISTRY_UNAME and DOTNET_CONTAINER_PUSH_REGISTRY_PWORD"
}

func (r *Repository) right() string {
	if r.rights == Push {
		return "push"
	}
	return "pull"
}

func (r *Repository) diagnoseMissing() string {
	if r.rights == Pull {
		return "check the repository and the tag or digest"
	}
	if strings.Contains(r.name.RegistryStr(), ".dkr.ecr.") {
		return "Amazon ECR does not make repositories by itself: aws ecr create-repository --repository-name " + r.name.RepositoryStr()
	}
	return "check the name, and create the repository where the registry does not do so by itself (Amazon ECR, Harbor projects, Google Artifact Registry)"
}

// loginCommand stores credentials for a host.
func loginCommand(host string) string {
	if host == name.DefaultRegistry {
		host = "docker.io"
	}
	return "nanobuild login " + host
}
