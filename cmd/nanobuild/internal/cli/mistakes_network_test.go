package cli

import (
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/testdata/authority"
)

// networkMistakes are those about the way to a registry.
func networkMistakes() []mistake {
	return []mistake{
		{name: "unknown-host", code: exitPush, names: []string{"registry.invalid/team/web", "no such host"},
			args: []string{"push", "oci:image", "--repo", "registry.invalid/team/web", "-t", "v1"}},
		{name: "connection-refused", code: exitPush, names: []string{webRepo, "refused"}, system: true, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.places.set(registryHost+":443", deadAddress(t))
		}},
		{name: "connection-cut", code: exitPush, names: []string{webRepo}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		}},
		{name: "tls-wrong-name", code: exitPush, names: []string{webRepo, "other.example.com"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.serveTLS(t, registryHost, s.authority.Pair(t, "other.example.com"), s.working())
		}},
		{name: "tls-self-signed", code: exitPush, names: []string{webRepo, "--ca-file"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.serveTLS(t, registryHost, (*authority.Authority)(nil).Pair(t, registryHost), s.working())
		}},
		{name: "tls-unknown-authority", code: exitBase, names: []string{webRepo, "--ca-file"}, args: []string{"inspect", webRepo + ":v1"}, plan: func(t *testing.T, s *scene) {
			s.serveTLS(t, registryHost, authority.New(t).Pair(t, registryHost), s.working())
		}},
		{name: "tls-expired", code: exitPush, names: []string{webRepo, "expired"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			pair := s.authority.PairUntil(t, time.Now().Add(-time.Minute), registryHost)
			s.serveTLS(t, registryHost, pair, s.working())
		}},
		{name: "http-on-https-port", code: exitPush, names: []string{webRepo}, args: pushed("--insecure", registryHost), plan: func(t *testing.T, s *scene) {
			s.serveTLS(t, registryHost, (*authority.Authority)(nil).Pair(t, registryHost), s.working())
		}},
		{name: "https-on-http-port", code: exitPush, names: []string{webRepo, "--insecure " + registryHost}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.servePlain(t, registryHost, s.working())
		}},
		{name: "login-https-on-http-port", code: exitPush, names: []string{registryHost, "--insecure"}, args: []string{"login", registryHost, "-u", "me", "--password-stdin"}, plan: func(t *testing.T, s *scene) {
			s.stdin = "right-pass\n"
			s.servePlain(t, registryHost, wantsBasic("me", "right-pass", s.working()))
		}},
		{name: "proxy-wants-password", code: exitPush, names: []string{webRepo, "proxy.example.com:3128", "407"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.proxy(t, http.StatusProxyAuthRequired)
		}},
		{name: "proxy-forbids-host", code: exitBase, names: []string{registryHost + "/base/nano:1", "proxy.example.com:3128", "403"},
			args: []string{"publish", "app", "--base", registryHost + "/base/nano:1", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
				s.proxy(t, http.StatusForbidden)
			}},
		{name: "proxy-in-trouble", code: exitPush, names: []string{webRepo, "proxy.example.com:3128", "503"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.proxy(t, http.StatusServiceUnavailable)
		}},
		{name: "redirect-loop", code: exitBase, names: []string{registryHost + "/base/nano:1", "redirects"},
			args: []string{"publish", "app", "--base", registryHost + "/base/nano:1", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
				s.serve(t, registryHost, mistaken(s.working(), redirect("/manifests/", http.StatusFound, "https://"+registryHost+"/v2/base/nano/manifests/1")))
			}},
		{name: "redirect-to-metadata", code: exitBase, names: []string{webRepo, "169.254.169.254"}, args: []string{"inspect", webRepo + ":v1"}, plan: func(t *testing.T, s *scene) {
			image := ourImage(t, sample.Options{})
			s.hold(t, webRepo+":v1", image)
			s.serve(t, registryHost, mistaken(s.working(), redirect("^GET .*/blobs/", http.StatusTemporaryRedirect, "https://169.254.169.254/latest/meta-data/iam/security-credentials/")))
		}},
		{name: "upload-at-private-address", code: exitPush, names: []string{webRepo, "10.0.0.7"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, mistaken(s.working(), redirect("^POST", http.StatusAccepted, "https://10.0.0.7/upload/1?_state=secret")))
		}},
		{name: "html-manifest", code: exitBase, names: []string{registryHost + "/base/nano:1", "200", "Sign in to Corp"},
			args: []string{"publish", "app", "--base", registryHost + "/base/nano:1", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
				s.serve(t, registryHost, mistaken(s.working(), page("/manifests/", http.StatusOK, "Sign in to Corp")))
			}},
		{name: "login-page-everywhere", code: exitPush, names: []string{webRepo, "200", "a web page"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, mistaken(nil, page(anything, http.StatusOK, "Sign in to Corp")))
		}},
	}
}

// deadAddress is one at which nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// proxy has every request go through one that refuses with a status.
func (s *scene) proxy(t *testing.T, status int) {
	t.Helper()
	const host = "proxy.example.com:3128"
	s.servePlain(t, host, mistaken(nil, answer{to: "^CONNECT", status: status}))
	s.transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: host, User: url.UserPassword("me", "proxy-pass")})
}
