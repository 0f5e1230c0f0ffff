package distribution

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func digestOfText(t testing.TB, text string) v1.Hash {
	t.Helper()
	digest, err := digestOf("sha256", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// referrersIndex is an index with an entry of each artifact type, whose digest is that
// of the type's name.
func referrersIndex(t testing.TB, kinds ...string) string {
	t.Helper()
	entries := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		entries = append(entries, fmt.Sprintf(`{"mediaType": %q, "digest": %q, "size": 7, "artifactType": %q}`, types.OCIManifestSchema1, digestOfText(t, kind), kind))
	}
	return fmt.Sprintf(`{"schemaVersion": 2, "mediaType": %q, "manifests": [%s]}`, types.OCIImageIndex, strings.Join(entries, ", "))
}

// answered is an answer to the question for referrers.
type answered struct {
	status int
	mt     string
	body   string
}

func (a answered) write(w http.ResponseWriter) {
	if a.mt != "" {
		w.Header().Set("Content-Type", a.mt)
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// TestReferrers: only a valid index of the right type is a list; whatever else a
// registry answers means that the tag has it, but for what may pass or is about rights.
func TestReferrers(t *testing.T) {
	t.Parallel()
	index := string(types.OCIImageIndex)
	digest := digestOfText(t, "x")
	tagged, served := referrersIndex(t, "text/tag", "text/both"), referrersIndex(t, "text/sbom", "text/sbom", "text/both")
	byTag := []string{"text/tag", "text/both"}
	for what, c := range map[string]struct {
		list answered
		want []string
		kind Kind // of the error
	}{
		"its own list and the tag": {list: answered{200, index, served}, want: []string{"text/sbom", "text/both", "text/tag"}},
		"an empty list":            {list: answered{200, index, referrersIndex(t)}, want: byTag},
		"no such address":          {list: answered{404, "", ""}, want: byTag},
		"not acceptable":           {list: answered{406, "application/json", `{"errors": [{"code": "UNSUPPORTED"}]}`}, want: byTag},
		"forbidden":                {list: answered{403, "", ""}, want: byTag},
		"not implemented":          {list: answered{501, "", ""}, want: byTag},
		"a web page":               {list: answered{200, "text/html", "<html><title>Sign in</title></html>"}, want: byTag},
		"another type":             {list: answered{200, "application/json", served}, want: byTag},
		"an object":                {list: answered{200, index, `{}`}, want: byTag},
		"an array":                 {list: answered{200, index, `[]`}, want: byTag},
		"a cut index":              {list: answered{200, index, served[:90]}, want: byTag},
		"an image":                 {list: answered{200, index, `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "manifests": []}`}, want: byTag},
		"an entry of nothing":      {list: answered{200, index, `{"schemaVersion": 2, "manifests": [{}]}`}, want: byTag},
		"unauthorized":             {list: answered{401, "", ""}, kind: Unauthorized},
		"too many requests":        {list: answered{429, "", ""}, kind: Trouble},
		"broken":                   {list: answered{500, "", ""}, kind: Trouble},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			host := listServer(t, func(w http.ResponseWriter, req *http.Request) {
				switch req.URL.Path {
				case "/v2/a/referrers/" + digest.String():
					c.list.write(w)
				case "/v2/a/manifests/" + ReferrersTag(digest):
					answered{200, index, tagged}.write(w)
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			})
			got, err := quickNetwork().Repository(host.Repo("a"), nil, Pull).Referrers(t.Context(), digest)
			if c.want == nil && !c.kind.In(err) || c.want != nil && err != nil || !slices.Equal(got, c.want) {
				t.Errorf("Referrers = %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestReferrersWithoutAny: a registry that has neither list nor tag has nothing, and so
// has one whose tag names something else.
func TestReferrersWithoutAny(t *testing.T) {
	t.Parallel()
	digest := digestOfText(t, "x")
	for what, tag := range map[string]answered{
		"no tag":   {404, "", ""},
		"an image": {200, string(types.OCIManifestSchema1), `{"schemaVersion": 2, "layers": []}`},
	} {
		host := listServer(t, func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, "/manifests/") {
				tag.write(w)
				return
			}
			w.WriteHeader(http.StatusNotFound)
		})
		got, err := quickNetwork().Repository(host.Repo("a"), nil, Push).ListReferrers(t.Context(), digest)
		if err != nil || len(got) > 0 {
			t.Errorf("%s: ListReferrers = %v, %v", what, got, err)
		}
	}
}

// TestReferrersInPages follows the pages of a list, to its end or to the bound.
func TestReferrersInPages(t *testing.T) {
	t.Parallel()
	digest := digestOfText(t, "x")
	for what, c := range map[string]struct {
		pages int // 0 is without end
		want  int
	}{"three": {3, 3}, "endless": {0, 0}} {
		asked := 0
		host := listServer(t, func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, "/manifests/") {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			if asked++; asked != c.pages {
				w.Header().Set("Link", fmt.Sprintf(`</v2/a/referrers/%s?page=%d>; rel="next"`, digest, asked))
			}
			answered{200, string(types.OCIImageIndex), referrersIndex(t, fmt.Sprint("text/", asked))}.write(w)
		})
		got, err := quickNetwork().Repository(host.Repo("a"), nil, Pull).ListReferrers(t.Context(), digest)
		var endless *ListError
		if len(got) != c.want || errors.As(err, &endless) != (c.want == 0) {
			t.Errorf("%s: ListReferrers = %d entries, %v after %d pages", what, len(got), err, asked)
		}
	}
}

// FuzzReferrers: what is read of a list can be written into one, and read again.
func FuzzReferrers(f *testing.F) {
	f.Add([]byte(referrersIndex(f, "a", "b")))
	f.Add([]byte(`{"schemaVersion":2,"manifests":null}`))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:aa"}],"x":{"y":1}}`))
	added := v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: 1, Digest: digestOfText(f, "added"), ArtifactType: "text/added"}
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := referrersIn(content)
		if err != nil {
			return
		}
		raw, err := taggedList{content: content, entries: entries}.with([]v1.Descriptor{added})
		if err != nil {
			return // such as names in capitals, which JSON of registries has not
		}
		if raw == nil {
			if !lists(entries, added.Digest) {
				t.Fatalf("with finds the entry in %s", content)
			}
			return
		}
		again, err := referrersIn(raw)
		if err != nil || len(again) != len(entries)+1 || !lists(again, added.Digest) {
			t.Errorf("%s became %s with %d entries, %v", content, raw, len(again), err)
		}
	})
}
