package distribution

import (
	"net"
	"net/netip"
	"strings"
)

// Loopback tells whether host ("localhost", "127.0.0.1:5000", "[::1]:5000", "::1")
// is this machine itself, by its name or address alone: no name is looked up. Not
// every resolver keeps names below .localhost at home, whatever RFC 6761 says, so
// these are none.
func Loopback(host string) bool {
	host = hostname(host)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// hostname is a host without its port and brackets, in the one spelling by which
// hosts are compared.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
