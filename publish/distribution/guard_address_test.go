package distribution

import (
	"errors"
	"net/netip"
	"net/url"
	"testing"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		refused  bool
	}{
		{"https://r.example.com/", "https://203.0.113.9/", false},
		{"https://r.example.com/", "https://[2001:db8::9]/", false},
		{"https://r.example.com/", "https://10.0.0.5/", true},
		{"https://r.example.com/", "https://100.64.0.1/", true},
		{"https://r.example.com/", "https://169.254.169.254/", true},
		{"https://r.example.com/", "https://168.63.129.16/", true},
		{"https://r.example.com/", "https://[fd00:ec2::254]/", true},
		{"https://r.example.com/", "https://[fe80::1%25eth0]/", true},
		{"https://r.example.com/", "https://[::ffff:192.168.0.1]/", true},
		{"https://r.example.com/", "https://[64:ff9b::a9fe:a9fe]/", true},
		{"https://r.example.com/", "https://[64:ff9b::808:808]/", false},
		{"https://r.example.com/", "http://127.0.0.1:8080/", true},
		{"https://r.example.com/", "http://localhost.:8080/", true},
		{"https://r.example.com/", "http://0.0.0.0/", true},
		{"https://r.example.com/", "https://255.255.255.255/", true},
		{"https://r.example.com/", "https://2130706433/", true},
		{"https://r.example.com/", "https://0x7f.0x1/", true},
		{"https://r.example.com/", "https://cafe.example.com/", false},
		{"https://10.0.0.5/", "https://10.0.0.6/", false},
		{"https://10.0.0.5/", "https://169.254.169.254/", true},
		{"https://10.0.0.5/", "http://127.0.0.1/", true},
		{"http://127.0.0.1:5000/", "http://127.0.0.1:9000/", false},
		{"http://localhost:5000/", "http://127.0.0.1:9000/", true},
		{"http://localhost:5000/", "http://10.0.0.6/", false},
	} {
		from, err := url.Parse(c.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(c.to)
		if err != nil {
			t.Fatal(err)
		}
		var address *AddressError
		if err := checkAddress(from, to); errors.As(err, &address) != c.refused {
			t.Errorf("%s → %s: %v", c.from, c.to, err)
		}
	}
}

func TestRealms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		registry, realm string
		allowed         []string
		want            string // "", "http", "address" or "other"
	}{
		{"r.example.com", "https://auth.example.org/token", nil, ""},
		{"r.example.com", "https://r.example.com/token", nil, ""},
		{"r.example.com", "http://auth.example.org/token", nil, "http"},
		{"r.example.com", "http://r.example.com/token", nil, "http"},
		{"r.example.com", "http://auth.example.org/token", []string{"r.example.com"}, "http"},
		{"r.example.com", "http://auth.example.org/token", []string{"auth.example.org"}, ""},
		{"10.0.0.5:5000", "http://10.0.0.5:5000/token", []string{"10.0.0.5:5000"}, ""},
		{"10.0.0.5:5000", "https://10.0.0.6/token", nil, ""},
		{"r.example.com", "https://10.0.0.6/token", nil, "address"},
		{"r.example.com", "https://10.0.0.6/token", []string{"10.0.0.6"}, ""},
		{"r.example.com", "https://169.254.169.254/token", nil, "address"},
		{"r.example.com", "http://127.0.0.1:80/token", nil, "address"},
		{"127.0.0.1:5000", "http://127.0.0.1:5001/token", nil, ""},
		{"r.example.com", "ftp://auth.example.org/", nil, "other"},
		{"r.example.com", "/token", nil, "other"},
		{"r.example.com", "https:///token", nil, "other"},
	} {
		realm, err := url.Parse(c.realm)
		if err != nil {
			t.Fatal(err)
		}
		err = checkRealm(c.registry, realm, insecure(c.allowed...))
		var plain *PlainHTTPError
		var address *AddressError
		var other *redirectError
		got := ""
		switch {
		case errors.As(err, &plain):
			got = "http"
		case errors.As(err, &address):
			got = "address"
		case errors.As(err, &other):
			got = "other"
		}
		if got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s of %s, allowed %v: %v; want %q", c.realm, c.registry, c.allowed, err, c.want)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "LOCALHOST:5000": true, "127.0.0.1": true, "127.0.0.1:5000": true,
		"127.8.9.10:80": true, "::1": true, "[::1]": true, "[::1]:5000": true, "::ffff:127.0.0.1": true, "localhost.": true,
		"": false, "128.0.0.1": false, "10.0.0.1:5000": false, "localhost.example.com": false, "x.localhost": false,
		"127.0.0.1.example.com": false, "0.0.0.0": false, "::2": false, "localhost:": true, "127.1": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %v", host, got)
		}
	}
}

// FuzzHosts: whoever may be pointed to is no address of this machine, however it is
// spelled.
func FuzzHosts(f *testing.F) {
	for _, host := range []string{"localhost", "127.0.0.1:80", "[::1]", "::ffff:127.0.0.1", "127.1", "a.example.com", "[fe80::1%eth0]:443", ":443"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !permitted(host, func() bool { return false }) {
			return
		}
		if Loopback(host) || insider(host) {
			t.Errorf("%q is permitted", host)
		}
		if ip, err := netip.ParseAddr(hostname(host)); err == nil && zoneOf(ip) != zonePublic {
			t.Errorf("%q is permitted", host)
		}
	})
}
