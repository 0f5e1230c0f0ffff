package publish

import (
	"net/http"
	"strings"
	"testing"
)

// A huge manifest or config under a tag is not looked into: it is none of ours.
func TestLargeTaggedImages(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"manifest": `{"schemaVersion":2,"layers":[` + strings.Repeat("{},", maxTagged/3) + `{}]}`,
		"config":   `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":3000000,"digest":"sha256:` + strings.Repeat("a", 64) + `"},"layers":[]}`,
	} {
		host, rec := newServer(t)
		rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/") {
				w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
				_, _ = w.Write([]byte(content))
			}
		})
		found, err := newTestRegistry(t, host+"/app", RegistryOptions{}).Tagged(t.Context(), []string{"v1"})
		if found != nil || err != nil {
			t.Errorf("%s: Tagged = %+v, %v", name, found, err)
		}
	}
}
