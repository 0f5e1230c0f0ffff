package distribution

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func all(string) bool { return true }

// listServer answers every request for a list by f, and all others as a registry.
func listServer(t *testing.T, f http.HandlerFunc) name.Registry {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/v2/" {
			f(w, req)
		}
	}))
	t.Cleanup(server.Close)
	host, err := name.NewRegistry(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return host
}

func quickNetwork() *Network {
	return NewNetwork(NetworkOptions{Policy: Policy{Tries: 2, Pause: time.Millisecond, MaxPause: time.Millisecond}})
}

// TestListsOfARegistry walks a registry with repositories and tags, whose pages are
// as large as it likes.
func TestListsOfARegistry(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host, err := name.NewRegistry(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"shop/api:v1", "shop/api:v2", "shop/web:v1", "other:v1"} {
		tag, err := name.NewTag(host.RegistryStr() + "/" + ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, empty.Image); err != nil {
			t.Fatal(err)
		}
	}
	n := quickNetwork()
	repos, err := n.Catalog(t.Context(), host, nil, func(repo string) bool { return strings.HasPrefix(repo, "shop/") })
	if slices.Sort(repos); err != nil || !slices.Equal(repos, []string{"shop/api", "shop/web"}) {
		t.Errorf("Catalog = %q, %v", repos, err)
	}
	tags, err := n.Repository(host.Repo("shop/api"), nil, Pull).Tags(t.Context(), all)
	if slices.Sort(tags); err != nil || !slices.Equal(tags, []string{"v1", "v2"}) {
		t.Errorf("Tags = %q, %v", tags, err)
	}
	if _, err := n.Repository(host.Repo("nothing"), nil, Pull).Tags(t.Context(), all); !NotFound.In(err) {
		t.Errorf("Tags of no repository: %v", err)
	}
}

// TestPages: a list of several pages, each of which names the next in another way.
func TestPages(t *testing.T) {
	t.Parallel()
	links := map[string]string{
		"":  `</v2/_catalog?last=b&n=2>; rel="next"`,
		"b": `<http://%s/v2/_catalog?last=d>; title="a, b"; rel=next`,
		"d": `</elsewhere>; rel="prev", <?last=f>; rel="last next"`,
		"f": "", // the last
	}
	var asked []string
	host := listServer(t, func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, req.URL.RawQuery)
		last := req.URL.Query().Get("last")
		if link := links[last]; strings.Contains(link, "%s") {
			w.Header().Set("Link", fmt.Sprintf(link, req.Host))
		} else if link != "" {
			w.Header().Set("Link", link)
		}
		names := map[string]string{"": `"a","b"`, "b": `"b","d"`, "d": `"e","BAD NAME","../x","f"`, "f": `"g"`}[last]
		fmt.Fprintf(w, `{"repositories": [%s], "tags": null}`, names)
	})
	got, err := quickNetwork().Catalog(t.Context(), host, nil, all)
	if want := []string{"a", "b", "d", "e", "f", "g"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Catalog = %q, %v; want %q", got, err, want)
	}
	if len(asked) != 4 || asked[0] != "n=1000" {
		t.Errorf("asked %q", asked)
	}
}

// TestCatalogScope: the token is asked for with the right to the catalog.
func TestCatalogScope(t *testing.T) {
	t.Parallel()
	var scope string
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/token":
			scope = req.URL.Query().Get("scope")
			fmt.Fprint(w, `{"token": "t0ken"}`)
		case req.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test"`, server.URL))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprint(w, `{"repositories": ["a"]}`)
		}
	}))
	t.Cleanup(server.Close)
	host, err := name.NewRegistry(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := quickNetwork().Catalog(t.Context(), host, nil, all)
	if err != nil || len(got) != 1 || scope != "registry:catalog:*" {
		t.Errorf("Catalog = %q, %v, with scope %q", got, err, scope)
	}
}

// TestListsThatAreRefused: what registries without a catalog answer, and what hostile
// ones might.
func TestListsThatAreRefused(t *testing.T) {
	t.Parallel()
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	t.Cleanup(other.Close)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
	}
	link := func(link string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", link)
			fmt.Fprint(w, `{"repositories": ["a"]}`)
		}
	}
	page := 0
	for what, c := range map[string]struct {
		answer http.HandlerFunc
		kind   Kind
		says   string
	}{
		"401":        {status(401), Unauthorized, "401 Unauthorized"},
		"403":        {status(403), Unauthorized, "403 Forbidden"},
		"404":        {status(404), NotFound, "404 Not Found: no"},
		"405":        {status(405), Refused, "405 Method Not Allowed"},
		"other host": {link("<" + other.URL + "/v2/_catalog>; rel=next"), Unreachable, "only it can tell what it has"},
		"no address": {link("<http://[::1/%zz>; rel=next"), Unreachable, "goes on at an address that is none"},
		"circle":     {link("</v2/_catalog?n=1000>; rel=next"), Other, "round in a circle"},
		"no list":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `"x"`) }, Unreachable, "is no list of names"},
		"large page": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"repositories": [%s]}`, strings.Repeat(" ", MaxDocument))
		}, Other, "more than 4 MiB"},
		"no end": {func(w http.ResponseWriter, _ *http.Request) {
			page++
			w.Header().Set("Link", fmt.Sprintf("</v2/_catalog?last=%d>; rel=next", page))
			fmt.Fprint(w, `{}`)
		}, Other, "more than 5000 pages"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got, err := quickNetwork().Catalog(t.Context(), listServer(t, c.answer), nil, all)
			var e *Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.says) || got != nil {
				t.Errorf("Catalog = %q, %v; want kind %d and %q", got, err, c.kind, c.says)
			}
			if strings.Contains(fmt.Sprint(err), "the tag or digest") {
				t.Errorf("%v speaks of what was not asked for", err)
			}
		})
	}
	t.Cleanup(func() {
		if elsewhere > 0 {
			t.Error("a page was asked of another host")
		}
	})
}

// FuzzNextLink: what a registry says of the next page leads to the host that was asked
// or nowhere.
func FuzzNextLink(f *testing.F) {
	f.Add(`</v2/_catalog?last=b>; rel="next"`)
	f.Add(`<//other.example.com/x>;rel=next`)
	f.Add(`<a>; x="<b>, <c>"; rel="prev next", <d>`)
	f.Fuzz(func(t *testing.T, link string) {
		from := &url.URL{Scheme: "https", Host: "registry.example.com", Path: "/v2/_catalog"}
		u, err := nextPage(&http.Response{Header: http.Header{"Link": {link}}, Request: &http.Request{URL: from}})
		if err == nil && u != nil && (u.Host != from.Host || u.Scheme != "" || u.User != nil) {
			t.Errorf("%q leads to %s", link, u)
		}
	})
}
