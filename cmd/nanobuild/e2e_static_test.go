package main_test

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// TestEditMovesETag shows that a client's cache notices an edit that keeps a
// file's length, in both ways that ASP.NET Core serves files.
func TestEditMovesETag(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	needWine(t)
	dir := copyProject(t, "shop")
	epoch := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	ways := []string{"/css/site.css", "/files/css/site.css"} // MapStaticAssets, UseStaticFiles
	serve := func(use func(url string)) {
		out := filepath.Join(t.TempDir(), "image")
		r := ok(t, dir, nil, "publish", "Shop.Web", "--base", ociBase(t), "--oci-layout", out, "--created", epoch.Format(time.RFC3339))
		wineServe(t, layoutOf(t, r.lines()[0]), nil, use)
	}
	before := map[string]http.Header{}
	serve(func(url string) {
		for _, way := range ways {
			r, _ := get(t, url+way, "Accept-Encoding: identity")
			if r.StatusCode != http.StatusOK {
				t.Fatalf("GET %s: %s", way, r.Status)
			}
			before[way] = r.Header
			if again, _ := get(t, url+way, revalidate(r.Header)...); again.StatusCode != http.StatusNotModified {
				t.Errorf("GET %s once more: %s, want 304", way, again.Status)
			}
			recent(t, way, r.Header, epoch)
		}
	})
	css := filepath.Join(dir, "Shop.Web", "wwwroot", "css", "site.css")
	old := readFile(t, css)
	edited := sameLengthEdit(old)
	writeFile(t, css, edited)
	serve(func(url string) {
		for _, way := range ways {
			r, body := get(t, url+way, revalidate(before[way])...)
			if r.StatusCode != http.StatusOK || body != edited {
				t.Errorf("GET %s with what the cache knows: %s %q, want the edited file", way, r.Status, body)
			}
			if r.Header.Get("ETag") == before[way].Get("ETag") {
				t.Errorf("ETag of %s is still %s", way, r.Header.Get("ETag"))
			}
			recent(t, way, r.Header, epoch)
		}
	})
}

// revalidate are the headers with which a cache asks whether its copy is good.
func revalidate(h http.Header) []string {
	return []string{"Accept-Encoding: identity", "If-None-Match: " + h.Get("ETag"), "If-Modified-Since: " + h.Get("Last-Modified")}
}

// recent checks that Last-Modified is inside the two weeks before the clock: an
// older one would let caches keep the file for long without asking.
func recent(t *testing.T, way string, h http.Header, epoch time.Time) {
	t.Helper()
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		t.Errorf("Last-Modified of %s: %v", way, err)
		return
	}
	if age := epoch.Sub(modified); age < 0 || age > 14*24*time.Hour {
		t.Errorf("Last-Modified of %s is %s, %s before the build's time", way, modified, age)
	}
}

// sameLengthEdit changes the first letter or digit of a text.
func sameLengthEdit(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= '0' && c <= '8' || c >= 'a' && c <= 'y' {
			b[i]++
			break
		}
	}
	return string(b)
}
