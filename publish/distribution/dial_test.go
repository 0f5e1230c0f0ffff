package distribution

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// names is a name server in this process. It knows IPv4 addresses only, RFC 1035.
type names map[string]netip.Addr

func (n names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		packet := make([]byte, 512)
		for {
			size, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer := n.answer(packet[:size]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n names) answer(query []byte) []byte {
	var labels []string
	at := 12
	for at < len(query) && query[at] != 0 {
		end := at + 1 + int(query[at])
		labels, at = append(labels, string(query[at+1:end])), end
	}
	at++
	address, known := n[strings.ToLower(strings.Join(labels, "."))]
	wantsV4 := binary.BigEndian.Uint16(query[at:]) == 1
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:at+4]...)
	if !known {
		answer[3] |= 3 // no such name
	} else if wantsV4 {
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		answer = append(answer, address.AsSlice()...)
	}
	return answer
}

// dialing returns a transport that finds names by n, and its dialer.
func dialing(t *testing.T, n names) (*Dialer, *http.Transport) {
	t.Helper()
	d := NewDialer(&net.Dialer{Resolver: n.resolver(t)})
	transport := &http.Transport{DialContext: d.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return d, transport
}

func TestDialerRefusesNamesOfThisMachine(t *testing.T) {
	t.Parallel()
	var reached int
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	_, transport := dialing(t, names{"rebind.example.org": netip.MustParseAddr("127.0.0.1")})
	ask := func(named string) error {
		g := newGuard(transport, Loopback)
		g.name(named)
		u := &url.URL{Scheme: "https", Host: "rebind.example.org:" + port}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	var address *AddressError
	err := ask("r.example.com")
	if !errors.As(err, &address) || address.Address != "127.0.0.1" || !strings.Contains(err.Error(), "rebind.example.org:"+port+" (127.0.0.1)") {
		t.Errorf("a name that nobody gave: %v", err)
	}
	// The server speaks no TLS: that it is found out shows that it was reached.
	if err := ask("rebind.example.org"); !errors.As(err, new(tls.RecordHeaderError)) {
		t.Errorf("a name that the user gave: %v", err)
	}
	if reached != 0 {
		t.Errorf("%d requests", reached)
	}
}

func TestDialerChecks(t *testing.T) {
	t.Parallel()
	const named, private = "r.example.com", "r.corp"
	d := NewDialer(&net.Dialer{})
	d.inside.add("r.corp")
	for _, c := range []struct {
		registry string
		address  string
		refused  bool
	}{
		{named, "203.0.113.9:443", false}, {named, "10.0.0.5:443", true}, {named, "127.0.0.1:443", true}, {named, "169.254.169.254:80", true},
		{named, "[fe80::1%eth0]:443", true}, {named, "[::1]:443", true}, {named, "[::]:443", true}, {named, "[fd00:ec2::254]:443", true},
		{private, "10.0.0.5:443", false}, {private, "127.0.0.1:443", true}, {private, "169.254.169.254:80", true}, {private, "[fd00:ec2::254]:443", true},
	} {
		err := d.check(route{from: "r", registry: c.registry, named: &hostSet{}}, "s.example.org:443", c.address)
		var address *AddressError
		if errors.As(err, &address) != c.refused || err != nil && !c.refused {
			t.Errorf("%s: %v", c.address, err)
		}
	}
}

// A registry that was reached on this machine or in a private network may send us on
// to names in the private network, not to this machine.
func TestDialerRemembersWhereItWas(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	d, _ := dialing(t, names{"r.corp": netip.MustParseAddr("127.0.0.1")})
	named := &hostSet{}
	named.add("r.corp")
	way := route{from: "r.corp", registry: "r.corp:" + port, named: named}
	if err := d.check(way, "s.corp:443", "10.0.0.9:443"); err == nil {
		t.Error("a private address is fine before the registry was reached")
	}
	conn, err := d.DialContext(withRoute(t.Context(), way), "tcp", "R.corp:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := d.check(way, "s.corp:443", "10.0.0.9:443"); err != nil {
		t.Errorf("after it was reached: %v", err)
	}
	if err := d.check(route{from: "r.example.com", registry: "r.example.com", named: named}, "s.corp:443", "10.0.0.9:443"); err == nil {
		t.Error("another registry may send us there too")
	}
	if err := d.check(way, "s.corp:443", "127.0.0.1:443"); err == nil {
		t.Error("this machine is fine after the registry was reached there")
	}
}

// A proxy is where the user says, and finds hosts itself.
func TestDialerLeavesProxiesAlone(t *testing.T) {
	t.Parallel()
	status := http.StatusProxyAuthRequired
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword("me", "proxy password")
	d, transport := dialing(t, nil)
	transport.OnProxyConnectResponse = CheckProxy
	transport.Proxy = func(*http.Request) (*url.URL, error) { d.Name(address.Host); return address, nil }
	g := newGuard(transport, Loopback)
	g.name("r.example.com")
	client := &http.Client{Transport: g, CheckRedirect: checkRedirect}
	_, err = client.Get("https://r.example.com/v2/")
	var refused *ProxyError
	if !errors.As(err, &refused) || refused.Proxy != proxy.Listener.Addr().String() || refused.Host != "r.example.com:443" || refused.Status != status {
		t.Fatalf("error = %v", err)
	}
	for _, want := range []string{"the proxy 127.0.0.1:", "refuses to connect to r.example.com:443: 407 Proxy Authentication Required", "in HTTPS_PROXY"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "proxy password") {
		t.Errorf("error = %v", err)
	}
}

// Requests of which the guard knows nothing are dialed as ever.
func TestDialerWithoutAGuard(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }))
	t.Cleanup(server.Close)
	_, transport := dialing(t, nil)
	resp, err := (&http.Client{Transport: transport}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// What a proxy in trouble answers may pass, what it forbids does not.
func TestAnswersOfProxies(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusForbidden: "NO_PROXY must name it", http.StatusProxyAuthRequired: "user name and password", http.StatusBadGateway: "in trouble",
	} {
		err := CheckProxy(t.Context(), &url.URL{Scheme: "http", Host: "proxy.corp:80"}, &http.Request{URL: &url.URL{Opaque: "r.example.com:443"}}, &http.Response{StatusCode: status})
		if err == nil || !strings.Contains(err.Error(), want) || passing(&url.Error{Op: "Get", Err: err}) != (status == http.StatusBadGateway) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if err := CheckProxy(t.Context(), &url.URL{}, &http.Request{URL: &url.URL{}}, &http.Response{StatusCode: http.StatusOK}); err != nil {
		t.Error(err)
	}
}
