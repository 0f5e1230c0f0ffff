package distribution

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// Dialer opens connections for the transport of a [Network]. It sees what the names
// of hosts stand for, and refuses this machine and private addresses to all that
// the user did not name: registries may point to any name. It is safe for concurrent
// use.
type Dialer struct {
	dialer net.Dialer
	named  hostSet // proxies
	inside hostSet // named hosts that were reached at a private address
}

// NewDialer returns a Dialer that dials as d does, whose Control functions are not
// called.
func NewDialer(d *net.Dialer) *Dialer { return &Dialer{dialer: *d} }

// Name says that the user named a host, such as a proxy. It may have any address.
func (d *Dialer) Name(host string) { d.named.add(hostname(host)) }

// DialContext connects to an address for a request, as the DialContext of an
// http.Transport does. An address that the request may not go to is an
// [AddressError].
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer, host := d.dialer, hostname(address)
	way, guarded := ctx.Value(routeKey{}).(route)
	dialer.Control, dialer.ControlContext = nil, nil
	free := !guarded || way.named.has(host) || d.named.has(host)
	if !free {
		dialer.Control = func(_, resolved string, _ syscall.RawConn) error {
			return d.check(way, address, resolved)
		}
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil && free && insider(conn.RemoteAddr().String()) {
		d.inside.add(host)
	}
	return conn, err
}

// check refuses the address that the name of a host was resolved to.
func (d *Dialer) check(way route, address, resolved string) error {
	ip, err := netip.ParseAddr(hostname(resolved))
	if err != nil {
		return err
	}
	switch zoneOf(ip) {
	case zonePublic:
		return nil
	case zonePrivate:
		if d.inside.has(hostname(way.registry)) {
			return nil
		}
	case zoneLoopback, zoneClosed:
	}
	return &AddressError{From: way.from, To: strings.TrimSuffix(address, ":443"), Address: ip.String()}
}

// route is what the guard tells the dialer of a request.
type route struct {
	from     string
	registry string // for which it is made
	named    *hostSet
}

type behalfKey struct{}

// onBehalf notes for which registry requests are made, whatever host they go to.
func onBehalf(ctx context.Context, registry string) context.Context {
	return context.WithValue(ctx, behalfKey{}, registry)
}

func behalf(ctx context.Context) string {
	registry, _ := ctx.Value(behalfKey{}).(string)
	return registry
}

type routeKey struct{}

func withRoute(ctx context.Context, r route) context.Context {
	return context.WithValue(ctx, routeKey{}, r)
}
