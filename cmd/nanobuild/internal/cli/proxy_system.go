package cli

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// systemProxy is what a user set for the whole system, in the words of Windows.
//
// https://learn.microsoft.com/en-us/windows/win32/api/winhttp/ns-winhttp-winhttp_proxy_info
type systemProxy struct {
	http, https *url.URL // nil is none
	bypass      []string // patterns of hosts that are reached without
}

// parseSystemProxy reads the values ProxyServer and ProxyOverride. The server is one
// for everything, "proxy:8080", or one for each protocol, "http=a:80;https=b:80".
// What makes no sense is left out.
func parseSystemProxy(server, override string) systemProxy {
	var s systemProxy
	for _, part := range strings.FieldsFunc(server, isListEnd) {
		protocol, address, named := strings.Cut(part, "=")
		if !named {
			protocol, address = "", part
		}
		u, err := parseProxy(address)
		if err != nil {
			continue
		}
		switch strings.ToLower(protocol) {
		case "":
			s.http, s.https = u, u
		case "http":
			s.http = u
		case "https":
			s.https = u
		}
	}
	s.bypass = strings.FieldsFunc(strings.ToLower(override), isListEnd)
	return s
}

func isListEnd(r rune) bool { return r == ';' || r == ',' || r == ' ' || r == '\t' }

// parseProxy reads the address of a proxy; http is meant where it has no scheme, as
// net/http means it. "" is none.
func parseProxy(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err == nil && u.Hostname() == "" {
		err = errors.New("it names no host")
	}
	return u, err
}

// proxyFor returns the proxy for an address, or nil. This machine is reached
// without, as net/http has it for the environment.
func (s systemProxy) proxyFor(u *url.URL) *url.URL {
	proxy := s.http
	if u.Scheme == "https" {
		proxy = s.https
	}
	if proxy == nil || distribution.Loopback(u.Host) || s.bypasses(u) {
		return nil
	}
	return proxy
}

func (s systemProxy) bypasses(u *url.URL) bool {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	for _, pattern := range s.bypass {
		if scheme, rest, ok := strings.Cut(pattern, "://"); ok {
			if scheme != u.Scheme {
				continue
			}
			pattern = rest
		}
		if pattern == "<local>" {
			if _, err := netip.ParseAddr(host); err != nil && !strings.Contains(host, ".") {
				return true
			}
			continue
		}
		if matches(pattern, host) || matches(pattern, host+":"+port) {
			return true
		}
	}
	return false
}

// matches compares a text with a pattern, in which * stands for anything.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(text, parts[0])
	if len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		if !ok {
			return false
		}
		_, rest, ok = strings.Cut(rest, part)
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}
