package distribution

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// AddressError says that a server pointed to an address where only the user may
// send us: this machine, or one inside a private network.
type AddressError struct {
	From    string // who did, if that is known
	To      string // the host, as it was given
	Address string // of the host, if it was looked up
}

func (e *AddressError) Error() string {
	from, to := e.From, e.To
	if from == "" {
		from = "the registry"
	}
	if e.Address != "" {
		to += " (" + e.Address + ")"
	}
	text := fmt.Sprintf("%s points to %s, an address inside a network that you did not name", from, to)
	if ip, err := netip.ParseAddr(cmp.Or(e.Address, hostname(e.To))); Loopback(e.To) || err == nil && zoneOf(ip) == zoneClosed {
		return text + "; tell who runs " + from // nobody's registry is there
	}
	return text + "; if it is yours, name it by --insecure " + e.To
}

// checkAddress refuses to be sent from one host to an address of this machine or of
// a private network. A host may always point to itself, and one that has a private
// address to others that have.
func checkAddress(from, to *url.URL) error {
	if hostname(from.Host) == hostname(to.Host) || permitted(to.Host, func() bool { return insider(from.Host) }) {
		return nil
	}
	return &AddressError{From: from.Host, To: to.Host}
}

// checkNamed refuses the same for any request, whatever led to it, unless the user
// named its host. A registry that has a private address itself may send us to
// another.
func (g *guard) checkNamed(from, to, registry string) error {
	if g.named.has(hostname(to)) || permitted(to, func() bool { return insider(registry) }) {
		return nil
	}
	return &AddressError{From: from, To: to}
}

// permitted tells whether somebody else may send us to a host. What a name stands
// for is seen by the [Dialer].
func permitted(host string, private func() bool) bool {
	name := hostname(host)
	if Loopback(name) {
		return false
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return !endsInNumber(name)
	}
	switch zoneOf(ip) {
	case zoneClosed, zoneLoopback:
		return false
	case zonePrivate:
		return private()
	case zonePublic:
	}
	return true
}

// endsInNumber tells whether the last part of a name is a number: some resolvers
// read 127.1 and 0x7f000001 as addresses. https://url.spec.whatwg.org/#ends-in-a-number-checker
func endsInNumber(name string) bool {
	last := name[strings.LastIndex(name, ".")+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// insider tells whether a host is this machine or has a private address, by its
// name alone.
func insider(host string) bool {
	if Loopback(host) {
		return true
	}
	ip, err := netip.ParseAddr(hostname(host))
	return err == nil && zoneOf(ip) == zonePrivate
}

// zone is the part of the world in which an address lies.
type zone int

const (
	zonePublic   zone = iota
	zonePrivate       // of somebody's own network
	zoneLoopback      // this machine
	zoneClosed        // never the address of a registry: link-local, multicast, cloud metadata
)

// sharedAddresses are the addresses of RFC 6598, between a provider and its customers.
var sharedAddresses = netip.MustParsePrefix("100.64.0.0/10")

// translatedAddresses are IPv4 addresses seen through NAT64, RFC 6052 §2.1.
var translatedAddresses = netip.MustParsePrefix("64:ff9b::/96")

// metadataAddresses are addresses at which clouds hand credentials to their machines, besides
// the link-local ones:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
// https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
// https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
// https://cloud.google.com/compute/docs/metadata/querying-metadata
var metadataAddresses = [...]netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("168.63.129.16"),
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("fd20:ce::254"),
}

func zoneOf(ip netip.Addr) zone {
	ip = ip.Unmap().WithZone("")
	if translatedAddresses.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, m := range metadataAddresses {
		if ip == m {
			return zoneClosed
		}
	}
	switch {
	case ip.IsLoopback():
		return zoneLoopback
	case ip.IsLinkLocalUnicast(), ip.IsUnspecified(), ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return zoneClosed
	case ip.IsPrivate(), sharedAddresses.Contains(ip):
		return zonePrivate
	}
	return zonePublic
}
