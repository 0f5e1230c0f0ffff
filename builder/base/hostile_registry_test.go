package base_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// flood writes until nobody reads any more.
func flood(w io.Writer, text string) {
	piece := []byte(strings.Repeat(text, 1<<12))
	for {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// TestHostileRegistries: whatever a registry answers is an error of few lines.
func TestHostileRegistries(t *testing.T) {
	t.Parallel()
	img := image(t, sample.Options{Padding: 10_000})
	list := index(t, img)
	config := must[v1.Hash](t)(img.ConfigName()).String()
	layer := digest(t, must[[]v1.Layer](t)(img.Layers())[0]).String()
	content := func(digest string) string { // of a layer
		l := must[v1.Layer](t)(img.LayerByDigest(must[v1.Hash](t)(v1.NewHash(digest))))
		return string(must[[]byte](t)(io.ReadAll(must[io.ReadCloser](t)(l.Compressed()))))
	}
	raw := func(x interface{ RawManifest() ([]byte, error) }) string {
		return string(must[[]byte](t)(x.RawManifest()))
	}
	send := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	bomb := func(begin, more string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, begin)
			flood(w, more)
		}
	}
	sent := func(status int, to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if to == "" {
				to = r.URL.Path
			}
			http.Redirect(w, r, to, status)
		}
	}
	for name, c := range map[string]struct {
		path string // the end of what is answered wrongly
		with http.HandlerFunc
		want string
	}{
		"a manifest of 5 MiB":          {"/manifests/v1", send(raw(list) + strings.Repeat(" ", 5<<20)), "more than 4 MiB"},
		"a manifest without end":       {"/manifests/v1", bomb(`{"x":"`, "x"), "more than 4 MiB"},
		"a manifest of many values":    {"/manifests/v1", send(`{"manifests":[` + strings.Repeat("{},", 1e6) + `{}]}`), "values"},
		"a manifest in a circle":       {"/manifests/v1", sent(307, ""), "10 redirects"},
		"a manifest of another":        {"/manifests/" + digest(t, img).String(), send(raw(list)), "instead of " + digest(t, img).String()},
		"a manifest that is a website": {"/manifests/v1", send("<html><title>Sign in</title>"), `a web page titled "Sign in"`},
		"a manifest that is nothing":   {"/manifests/v1", send(""), "no JSON"},
		"a manifest cut off":           {"/manifests/v1", send(raw(list)[:100]), "no JSON"},
		"a manifest by another scheme": {"/manifests/v1", sent(307, "file://etc/passwd"), `kind "file"`},
		"a manifest of the cloud":      {"/manifests/v1", sent(307, "http://169.254.169.254/latest/meta-data"), "169.254.169.254"},
		"a config without end":         {"/blobs/" + config, bomb("{", " "), "4 MiB"},
		"a config that is longer":      {"/blobs/" + config, send(string(must[[]byte](t)(img.RawConfigFile())) + " "), "instead of"},
		"a config that is nothing":     {"/blobs/" + config, send(""), "0 bytes came"},
		"a config in a circle":         {"/blobs/" + config, sent(307, ""), "10 redirects"},
		"a layer without end":          {"/blobs/" + layer, bomb(content(layer), "x"), "more than its"},
		"a layer that is another":      {"/blobs/" + layer, send(strings.Repeat("x", len(content(layer)))), "have the digest"},
		"a layer that is shorter":      {"/blobs/" + layer, send(content(layer)[1:]), "unexpected EOF"},
		"a layer in a circle":          {"/blobs/" + layer, sent(307, ""), "10 redirects"},
		"a layer that is a website":    {"/blobs/" + layer, send("<html>"), "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := newRegistry(t)
			pushIndex(t, host+"/base:v1", list)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, c.path) {
					c.with(w, r)
					return
				}
				http.Redirect(w, r, "http://"+host+r.URL.Path, http.StatusTemporaryRedirect)
			}))
			t.Cleanup(s.Close)
			err := resolveAll(t, strings.TrimPrefix(s.URL, "http://")+"/base:v1")
			wantError(t, err, c.want)
			if len(err.Error()) > 1200 {
				t.Errorf("an error of %d bytes: %v", len(err.Error()), err)
			}
			if said := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(err.Error()); said != "" && strings.Count(err.Error(), said) > 2 {
				t.Errorf("it says %s again and again: %v", said, err)
			}
		})
	}
}

// resolveAll reads the layers too.
func resolveAll(t *testing.T, ref string) error {
	t.Helper()
	b, err := base.Resolve(testContext(t), ref, options())
	if err != nil {
		return err
	}
	for _, l := range b.Layers {
		if _, err := readAll(l.Compressed); err != nil {
			return err
		}
	}
	return nil
}
