package publish

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tag that offers images of other platforms is about to lose them, which nobody
// meant who builds for Windows hosts alone.
func TestPushWarnsOfPlatformsThatATagLoses(t *testing.T) {
	t.Parallel()
	children := threeBuilds(t, testLayer(t, 1, 1000))
	patched := windows(t, "10.0.20348.9999", testLayer(t, 5, 1000))
	for name, c := range map[string]struct {
		before  func(t *testing.T, repo string) // puts something under v1
		content Content
		tags    []string
		says    []string // one of these per warning
		gets    int
	}{
		"nothing":          {func(*testing.T, string) {}, indexOf(t, children), []string{"v1"}, nil, 0},
		"an image":         {func(t *testing.T, repo string) { pushed(t, repo, OfImage(children[0].Image)) }, indexOf(t, children), []string{"v1"}, nil, 0},
		"the same":         {func(t *testing.T, repo string) { pushed(t, repo, indexOf(t, children)) }, indexOf(t, children), []string{"v1"}, nil, 0},
		"the same, partly": {func(t *testing.T, repo string) { pushed(t, repo, indexOf(t, children)) }, indexOf(t, children), []string{"v1", "v2"}, nil, 0},
		"an older revision": {func(t *testing.T, repo string) {
			pushed(t, repo, indexOf(t, children[1:2]))
		}, OfImage(patched), []string{"v1"}, nil, 1},
		"Linux": {func(t *testing.T, repo string) { linuxIndex(t, repo, "v1", "v2") }, indexOf(t, children), []string{"v1", "v2"}, []string{
			"/app:v1 names an index that also offers linux/amd64, and will not offer them any more; to add to it instead, publish with --into-index",
		}, 1},
		"other builds": {func(t *testing.T, repo string) { pushed(t, repo, indexOf(t, children)) }, OfImage(patched), []string{"v1"}, []string{
			"also offers windows/amd64 10.0.17763, windows/amd64 10.0.26100, and",
		}, 1},
		"a merge": {func(t *testing.T, repo string) { linuxIndex(t, repo, "v1") }, mergeOf(t, children), []string{"v1"}, nil, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			c.before(t, host+"/app")
			rec.take("")
			var warnings []string
			s := struct{ *Registry }{newTestRegistry(t, host+"/app", RegistryOptions{})}
			if _, err := PushContent(t.Context(), c.content, []Sink{s}, c.tags, PushOptions{Warn: func(s string) { warnings = append(warnings, s) }}); err != nil {
				t.Fatal(err)
			}
			if gets := len(rec.take("GET /v2/app")); c.gets >= 0 && gets != c.gets {
				t.Errorf("%d requests more, want %d", gets, c.gets)
			}
			if len(warnings) != len(c.says) {
				t.Fatalf("warnings %q, want %q", warnings, c.says)
			}
			for i, says := range c.says {
				if !strings.Contains(warnings[i], says) {
					t.Errorf("%q does not say %q", warnings[i], says)
				}
			}
		})
	}
}

func pushed(t *testing.T, repo string, c Content) {
	t.Helper()
	if _, err := PushContent(t.Context(), c, []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"v1"}, PushOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestPlatformsBeside(t *testing.T) {
	t.Parallel()
	ours := map[string]bool{"windows/amd64 10.0.20348": true}
	for index, want := range map[string][]string{
		`{"manifests":[{"platform":{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1"}}]}`:                                                nil,
		`{"manifests":[{"platform":{"os":"windows","architecture":"arm64","os.version":"10.0.20348.1"}}]}`:                                                {"windows/arm64 10.0.20348"},
		`{"manifests":[{"platform":{"os":"windows","architecture":"amd64"}}]}`:                                                                            {"windows/amd64"},
		`{"manifests":[{"platform":{"os":"linux","architecture":"arm","variant":"v7"}},{"platform":{"os":"linux","architecture":"arm","variant":"v7"}}]}`: {"linux/arm/v7"},
		`{"manifests":[{"platform":{"os":"unknown","architecture":"unknown"}},{},{"platform":{}}]}`:                                                       nil,
		`{"manifests":7}`: nil, `[]`: nil, ``: nil,
	} {
		if got := platformsBeside([]byte(index), ours); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", index, got, want)
		}
	}
	many := []string{"a\x1b[2J", strings.Repeat("b", 100), "c", "d", "e", "f", "g", "h"}
	if diff := cmp.Diff("a?[2J, "+strings.Repeat("b", maxPlatformName)+", c, d, e, f and 2 more", some(many)); diff != "" {
		t.Errorf("some (-want +got):\n%s", diff)
	}
}

// FuzzPlatformsBeside finds nothing that could harm a terminal, or fill one, in what a
// registry answers.
func FuzzPlatformsBeside(f *testing.F) {
	f.Add([]byte(`{"manifests":[{"platform":{"os":"linux","architecture":"amd64","os.version":"1.2.3.4"}}]}`))
	f.Add([]byte(`{"manifests":[{"platform":{"os":"\u001b[2J\u2028","architecture":"é"}}]}`))
	f.Add([]byte(`{"manifests":[null,{"platform":null}]}`))
	f.Fuzz(func(t *testing.T, index []byte) {
		found := platformsBeside(index, nil)
		if !slices.IsSorted(found) || len(slices.Compact(slices.Clone(found))) != len(found) {
			t.Errorf("found %q", found)
		}
		text := some(found)
		if len(text) > maxPlatforms*(maxPlatformName+2)+30 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("shows %q", text)
		}
	})
}
