package distribution

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// guardWire answers without a network, so that hosts can have any name.
type guardWire func(*http.Request) (*http.Response, error)

func (f guardWire) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a network in which each address has an answer: a place to redirect
// to, or "" for 200. It notes the requests that were let through.
func answering(seen *[]*http.Request, answers map[string]string) guardWire {
	return func(r *http.Request) (*http.Response, error) {
		*seen = append(*seen, r)
		w := httptest.NewRecorder()
		if to := answers[r.URL.Scheme+"://"+r.URL.Host]; to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		resp := w.Result()
		resp.Request = r
		return resp, nil
	}
}

// insecure is what --insecure does.
func insecure(hosts ...string) func(string) bool {
	return func(host string) bool {
		for _, h := range hosts {
			if h == host {
				return true
			}
		}
		return Loopback(host)
	}
}

func TestGuardOfPlainHTTP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url     string
		allowed []string
		refused string // host that the error names; "" is none
	}{
		{"https://r.example.com/v2/", nil, ""},
		{"http://r.example.com/v2/", nil, "r.example.com"},
		{"http://r.example.com/v2/", []string{"r.example.com"}, ""},
		{"http://r.example.com:5000/v2/", []string{"r.example.com"}, "r.example.com:5000"},
		{"http://10.0.0.5:5000/v2/", nil, "10.0.0.5:5000"},
		{"http://192.168.1.4/v2/", nil, "192.168.1.4"},
		{"http://registry.local/v2/", nil, "registry.local"},
		{"http://x.localhost:5000/v2/", nil, "x.localhost:5000"},
		{"http://localhost:5000/v2/", nil, ""},
		{"http://127.0.0.1:5000/v2/", nil, ""},
		{"http://[::1]:5000/v2/", nil, ""},
	} {
		var seen []*http.Request
		g := newGuard(answering(&seen, nil), insecure(c.allowed...))
		req := httptest.NewRequest(http.MethodPut, c.url, strings.NewReader("body"))
		g.name(req.URL.Host)
		resp, err := g.RoundTrip(req)
		var plain *PlainHTTPError
		switch {
		case c.refused == "" && err != nil, c.refused != "" && (!errors.As(err, &plain) || plain.Host != c.refused):
			t.Errorf("%s: %v", c.url, err)
		case c.refused != "" && (len(seen) != 0 || !strings.Contains(err.Error(), "--insecure "+c.refused)):
			t.Errorf("%s: %d requests, %v", c.url, len(seen), err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}

// closing tells whether it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestGuardClosesWhatItDoesNotSend(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"http://r.example.com/", "ftp://r.example.com/", "https://169.254.169.254/"} {
		body := &closing{Reader: strings.NewReader("x")}
		req := httptest.NewRequest(http.MethodPut, u, body)
		req.Body = body
		g := newGuard(answering(new([]*http.Request), nil), insecure())
		if _, err := g.RoundTrip(req); err == nil || !body.closed {
			t.Errorf("%s: %v, closed %v", u, err, body.closed)
		}
	}
}

// follow asks a registry that redirects, as the client of a network does.
func follow(g *guard, method, address, contentType string) error {
	client := &http.Client{Transport: g, CheckRedirect: checkRedirect}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(onBehalf(context.Background(), u.Host), method, address, strings.NewReader("body"))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer abc")
	req.Header.Set("Cookie", "a=b")
	req.Header.Set("Content-Type", contentType)
	g.name(req.URL.Host)
	resp, err := client.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func TestGuardOfRedirects(t *testing.T) {
	t.Parallel()
	const registry = "https://r.example.com"
	for name, c := range map[string]struct {
		from    string
		hops    map[string]string
		allowed []string
		sent    int    // requests
		keeps   bool   // the last request has the credentials
		want    string // of the error
	}{
		"same host":          {registry, map[string]string{registry: "https://r.example.com:8443/x"}, nil, 2, false, ""},
		"port spelled":       {registry, map[string]string{registry: "https://r.example.com:443/x"}, nil, 2, true, ""},
		"subdomain":          {registry, map[string]string{registry: "https://s.r.example.com/x"}, nil, 2, false, ""},
		"storage":            {registry, map[string]string{registry: "https://s.example.org/x?sig=1"}, nil, 2, false, ""},
		"there and back":     {registry, map[string]string{registry: "https://s.example.org/x", "https://s.example.org": "https://r.example.com:443/y"}, nil, 3, false, ""},
		"to http":            {registry, map[string]string{registry: "http://r.example.com/x"}, nil, 1, true, "--insecure r.example.com"},
		"to http elsewhere":  {registry, map[string]string{registry: "http://s.example.org/x"}, nil, 1, true, "--insecure s.example.org"},
		"to http, allowed":   {registry, map[string]string{registry: "http://s.example.org/x"}, []string{"s.example.org"}, 2, false, ""},
		"to ftp":             {registry, map[string]string{registry: "ftp://s.example.org/x"}, nil, 1, true, "ftp"},
		"metadata":           {registry, map[string]string{registry: "https://169.254.169.254/latest"}, nil, 1, true, "r.example.com points to 169.254.169.254"},
		"metadata over http": {"http://localhost:5000", map[string]string{"http://localhost:5000": "http://169.254.169.254/"}, nil, 1, true, "plain http"},
		"this machine":       {registry, map[string]string{registry: "http://127.0.0.1:8080/"}, nil, 1, true, "points to 127.0.0.1:8080"},
		"by name":            {registry, map[string]string{registry: "https://LOCALHOST/"}, nil, 1, true, "points to LOCALHOST"},
		"private":            {registry, map[string]string{registry: "https://10.0.0.9/"}, nil, 1, true, "name it by --insecure 10.0.0.9"},
		"private and named":  {registry, map[string]string{registry: "https://10.0.0.9/"}, []string{"10.0.0.9"}, 2, false, ""},
		"private to private": {"https://10.0.0.5", map[string]string{"https://10.0.0.5": "https://10.0.0.9/"}, nil, 2, false, ""},
		"private to itself":  {"https://10.0.0.5", map[string]string{"https://10.0.0.5": "https://10.0.0.5:9000/"}, nil, 2, false, ""},
		"private to machine": {"https://10.0.0.5", map[string]string{"https://10.0.0.5": "http://127.0.0.1:80/"}, nil, 1, true, "points to 127.0.0.1"},
		"private to cloud":   {"https://10.0.0.5", map[string]string{"https://10.0.0.5": "https://[fd00:ec2::254]/"}, nil, 1, true, "points to"},
		"odd number":         {registry, map[string]string{registry: "https://127.1/"}, nil, 1, true, "points to 127.1"},
		"loop":               {registry, map[string]string{registry: registry + "/again"}, nil, 10, true, "after 10 redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []*http.Request
			g := newGuard(answering(&seen, c.hops), insecure(c.allowed...))
			g.name("10.0.0.7") // another registry of the same run, which opens nothing
			err := follow(g, http.MethodGet, c.from+"/v2/a/blobs/x", "")
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
			if len(seen) != c.sent {
				t.Fatalf("%d requests were sent, want %d", len(seen), c.sent)
			}
			last := seen[len(seen)-1].Header
			if got := last.Get("Authorization") != ""; got != c.keeps || got != (last.Get("Cookie") != "") {
				t.Errorf("the last request has %v", last)
			}
			if last.Get("Referer") != "" {
				t.Error("the last request tells where it came from")
			}
		})
	}
}

// A token server gets passwords in a form, which a redirect would take elsewhere.
func TestGuardOfForms(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	for to, sent := range map[string]int{"https://r.example.com:443/x": 2, "https://s.example.org/x": 1} {
		var seen []*http.Request
		err := follow(newGuard(answering(&seen, map[string]string{"https://r.example.com": to}), insecure()), http.MethodPost, "https://r.example.com/token", form)
		// The second answer redirects again where the host is spelled as before.
		if len(seen) != sent || (err == nil) != (sent == 2) {
			t.Errorf("%s: %d requests, %v", to, len(seen), err)
		}
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, location, want string }{
		{"https://r.example.com/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?_state=x%3D", "https://r.example.com/v2/a/blobs/uploads/1?_state=x%3D"},
		{"https://r.example.com/v2/a/blobs/uploads/", "1", "https://r.example.com/v2/a/blobs/uploads/1"},
		{"https://r.example.com/v2/", "http://r.example.com/up", "https://r.example.com/up"},
		{"https://r.example.com/v2/", "https://r.example.com:443/up", "https://r.example.com/up"},
		{"https://r.example.com:443/v2/", "https://R.Example.com/up", "https://r.example.com:443/up"},
		{"http://10.0.0.5:5000/v2/", "https://10.0.0.5:5000/up", "http://10.0.0.5:5000/up"},
		{"http://10.0.0.5:5000/v2/", "https://10.0.0.5:6000/up", "https://10.0.0.5:6000/up"},
		{"https://r.example.com/v2/", "https://storage.example.org/up?sig=1", "https://storage.example.org/up?sig=1"},
		{"https://r.example.com/v2/", "ftp://storage.example.org/up", ""},
		{"https://r.example.com/v2/", "https:///up", ""},
		{"https://r.example.com/v2/", "", ""},
		{"https://r.example.com/v2/", "http://[bad?secret", ""},
	} {
		from, err := url.Parse(c.from)
		if err != nil {
			t.Fatal(err)
		}
		resp := &http.Response{Header: http.Header{}, Request: &http.Request{URL: from}}
		if c.location != "" {
			resp.Header.Set("Location", c.location)
		}
		got, err := location(resp)
		if c.want == "" {
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s → %q: got %s, %v; want an error without the address", c.from, c.location, got, err)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s → %q: got %s, %v; want %s", c.from, c.location, got, err, c.want)
		}
	}
}
