package publish

import (
	"net"
	"net/netip"
	"strings"
)

// Loopback tells whether host ("localhost", "127.0.0.1:5000", "[::1]:5000", "::1")
// is this machine itself, by its name or address alone: no name is looked up.
func Loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
