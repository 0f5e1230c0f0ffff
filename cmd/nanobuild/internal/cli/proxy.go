package cli

import (
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// proxyVariables name proxies, as net/http reads them.
var proxyVariables = []variable{envHTTPSProxy, envHTTPProxy, "https_proxy", "http_proxy"}

// newTransport returns the transport for all requests of the process: through the
// proxies of the environment, else through those of the system where it has some.
func (p Process) newTransport() *http.Transport {
	dialer := distribution.NewDialer(&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second})
	choose := p.chooseProxy()
	return &http.Transport{
		Proxy: func(req *http.Request) (*url.URL, error) {
			proxy, err := choose(req)
			if proxy != nil {
				dialer.Name(proxy.Host) // the user's choice, wherever it is
			}
			return proxy, err
		},
		OnProxyConnectResponse: distribution.CheckProxy,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
	}
}

// chooseProxy returns the function that finds the proxy for a request.
func (p Process) chooseProxy() func(*http.Request) (*url.URL, error) {
	for _, v := range proxyVariables {
		if p.getenv(v) != "" {
			return http.ProxyFromEnvironment
		}
	}
	system := readSystemProxy()
	return func(req *http.Request) (*url.URL, error) { return system.proxyFor(req.URL), nil }
}

// proxySecrets are the passwords of proxies, which stand in their addresses.
func proxySecrets(environ []string) []string {
	p := Process{Environ: environ}
	var secrets []string
	for _, v := range proxyVariables {
		if u, err := parseProxy(p.getenv(v)); err == nil && u != nil {
			if password, ok := u.User.Password(); ok {
				secrets = append(secrets, password)
			}
		}
	}
	return secrets
}
