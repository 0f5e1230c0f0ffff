package cli

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
)

func TestSystemProxy(t *testing.T) {
	t.Parallel()
	const everything, each = "proxy.corp:8080", "http=a.corp:80;https=https://b.corp:443;ftp=c.corp:21;socks=d.corp:1080"
	for _, c := range []struct{ server, override, address, want string }{
		{everything, "", "https://r.example.com/v2/", "http://proxy.corp:8080"},
		{everything, "", "http://r.example.com/v2/", "http://proxy.corp:8080"},
		{"http://proxy.corp:8080", "", "https://r.example.com/v2/", "http://proxy.corp:8080"},
		{each, "", "http://r.example.com/", "http://a.corp:80"},
		{each, "", "https://r.example.com/", "https://b.corp:443"},
		{"http=a.corp:80", "", "https://r.example.com/", ""},
		{"socks=d.corp:1080", "", "https://r.example.com/", ""},
		{"http=a.corp:80 https=b.corp:81", "", "https://r.example.com/", "http://b.corp:81"},
		{"", "", "https://r.example.com/", ""},
		{"://", "", "https://r.example.com/", ""},
		{":8080", "", "https://r.example.com/", ""},
		{everything, "*.corp;10.*", "https://r.corp/", ""},
		{everything, "*.corp;10.*", "https://R.CORP/", ""},
		{everything, "*.corp;10.*", "https://corp/", "http://proxy.corp:8080"},
		{everything, "*.corp;10.*", "https://r.corp.example.com/", "http://proxy.corp:8080"},
		{everything, "*.corp;10.*", "https://10.1.2.3:5000/", ""},
		{everything, "*.corp, r.example.com", "https://r.example.com:444/", ""},
		{everything, "r.example.com:444", "https://r.example.com:444/", ""},
		{everything, "r.example.com:444", "https://r.example.com/", "http://proxy.corp:8080"},
		{everything, "https://r.example.com", "https://r.example.com/", ""},
		{everything, "http://r.example.com", "https://r.example.com/", "http://proxy.corp:8080"},
		{everything, "<local>", "https://registry:5000/", ""},
		{everything, "<local>", "https://r.example.com/", "http://proxy.corp:8080"},
		{everything, "<local>", "https://[2001:db8::1]/", "http://proxy.corp:8080"},
		{everything, "<-loopback>;re*ry*ex*e.com", "https://registry.example.com/", ""},
		{everything, "*", "https://r.example.com/", ""},
		{everything, "", "http://localhost:5000/", ""},
		{everything, "", "http://127.0.0.1:5000/", ""},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if proxy := parseSystemProxy(c.server, c.override).proxyFor(u); proxy != nil {
			got = proxy.String()
		}
		if got != c.want {
			t.Errorf("server %q, override %q: %s goes through %q, want %q", c.server, c.override, c.address, got, c.want)
		}
	}
}

func FuzzSystemProxy(f *testing.F) {
	f.Add("proxy.corp:8080", "*.corp;<local>;10.*")
	f.Add("http=a:80;https=b:81", "*")
	f.Add("=;=;", "**")
	f.Fuzz(func(t *testing.T, server, override string) {
		for _, address := range []string{"https://r.example.com", "http://[::2]:80/", "https://registry"} {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if proxy := parseSystemProxy(server, override).proxyFor(u); proxy != nil && proxy.Hostname() == "" {
				t.Errorf("server %q: a proxy without a host", server)
			}
		}
	})
}

func TestPasswordsOfProxies(t *testing.T) {
	t.Parallel()
	got := proxySecrets([]string{"HTTPS_PROXY=http://me:hunter%212@proxy.corp:80", "http_proxy=you:other@proxy.corp", "NO_PROXY=*"})
	if !slices.Equal(got, []string{"hunter!2", "other"}) {
		t.Errorf("secrets %q", got)
	}
}

// Without a proxy in the environment the dialer is told of none.
func TestTransportWithoutProxy(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:5000", nil)
	if err != nil {
		t.Fatal(err)
	}
	if proxy, err := (Process{}).newTransport().Proxy(req); proxy != nil || err != nil {
		t.Errorf("proxy %v, %v", proxy, err)
	}
}
