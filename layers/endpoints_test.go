package layers

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRewriteEndpoints(t *testing.T) {
	t.Parallel()
	timeOf := func(asset string) time.Time { return time.Unix(int64(len(asset)), 0) }
	const date1, date5 = "Thu, 01 Jan 1970 00:00:01 GMT", "Thu, 01 Jan 1970 00:00:05 GMT"
	tests := []struct{ name, in, want string }{
		{"as dotnet writes it",
			`{"Version":1,"Endpoints":[{"Route":"r","AssetFile":"a.css","ResponseHeaders":[{"Name":"ETag","Value":"x"},{"Name":"Last-Modified","Value":"Wed, 25 Nov 2026 22:04:59 GMT"}]}]}`,
			`{"Version":1,"Endpoints":[{"Route":"r","AssetFile":"a.css","ResponseHeaders":[{"Name":"ETag","Value":"x"},{"Name":"Last-Modified","Value":"` + date5 + `"}]}]}`},
		{"spaces, escapes, another order",
			"\xef\xbb\xbf{ \"Endpoints\" : [\r\n { \"ResponseHeaders\" : [ { \"Value\" : \"old\" , \"Name\" : \"Last-\\u004dodified\" } ] , \"AssetFile\" : \"\\u0061\" } ] }\n",
			"\xef\xbb\xbf{ \"Endpoints\" : [\r\n { \"ResponseHeaders\" : [ { \"Value\" : \"" + date1 + "\" , \"Name\" : \"Last-\\u004dodified\" } ] , \"AssetFile\" : \"\\u0061\" } ] }\n"},
		{"a header elsewhere stays", `{"Endpoints":[{"AssetFile":"a","EndpointProperties":[{"Name":"Last-Modified","Value":"keep"}]}],"X":[{"Name":"Last-Modified","Value":"keep"}]}`, ""},
		{"a value that is no text stays", `{"Endpoints":[{"AssetFile":"a","ResponseHeaders":[{"Name":"Last-Modified","Value":7}]}]}`, ""},
		{"no JSON stays", `{"Endpoints":[{"AssetFile":"a","ResponseHeaders":[{"Name":"Last-Modified","Value":"v"`, ""},
		{"another shape stays", `{"Endpoints":{"AssetFile":"a"}}`, ""},
		{"empty", ``, ""},
		{"no endpoints", `{"Version":1,"ManifestType":"Publish","Endpoints":[]}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want == "" {
				tt.want = tt.in
			}
			if diff := cmp.Diff(tt.want, string(rewriteEndpoints([]byte(tt.in), timeOf))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanPinsEndpoints(t *testing.T) {
	t.Parallel()
	manifest := func(date string) string {
		return `{"Endpoints":[{"AssetFile":"CSS/site.css","ResponseHeaders":[{"Name":"Last-Modified","Value":"` + date +
			`"}]},{"AssetFile":"gone.js","ResponseHeaders":[{"Name":"Last-Modified","Value":"` + date + `"}]}]}`
	}
	clock := Clock{Seconds: 1789000000, Known: true}
	build := func(date string) (entry, css Entry) {
		p := mustPlan(t, PlanOptions{Clock: clock, FS: fstest.MapFS{
			"App.staticwebassets.endpoints.json": file(manifest(date)), "wwwroot/css/site.css": file("body{}"), "App.exe": file("MZ"),
		}})
		entries := map[string]Entry{}
		for _, g := range p.Groups {
			for _, e := range g.Entries {
				entries[e.Path] = e
			}
		}
		return entries["app/App.staticwebassets.endpoints.json"], entries["app/wwwroot/css/site.css"]
	}
	e1, css := build("Wed, 25 Nov 2026 22:04:59 GMT")
	e2, _ := build("Thu, 26 Nov 2026 09:00:00 GMT")
	if e1.SHA256 != e2.SHA256 || e1.Size != e2.Size || !e1.Time.Equal(e2.Time) {
		t.Error("two builds give two manifests")
	}
	f, err := e1.Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(manifest(css.Time.Format(http.TimeFormat)), css.Time.Format(http.TimeFormat)+`"}]}]}`, `Thu, 01 Jan 1970 00:00:00 GMT"}]}]}`, 1)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if int64(len(got)) != e1.Size {
		t.Errorf("size %d, content %d bytes", e1.Size, len(got))
	}
}

// FuzzEndpoints feeds foreign manifests: valid JSON stays valid, bytes outside
// of the values stay, and doing it twice changes nothing.
func FuzzEndpoints(f *testing.F) {
	f.Add([]byte(`{"Endpoints":[{"AssetFile":"a","ResponseHeaders":[{"Name":"Last-Modified","Value":"v"}]}]}`))
	f.Add([]byte("\xef\xbb\xbf{ \"Endpoints\" : [ { \"ResponseHeaders\" : [ { \"Value\" : \"\\u0022\" , \"Name\" : \"Last-Modified\" } ] } ] }"))
	f.Add([]byte(`{"Endpoints":[{"ResponseHeaders":[{"Name":"Last-Modified","Value":"a","Value":"b"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fixed := func(string) time.Time { return time.Unix(0, 0) }
		got := rewriteEndpoints(data, fixed)
		if json.Valid(data) && !json.Valid(got) {
			t.Fatalf("%q became invalid: %q", data, got)
		}
		if again := rewriteEndpoints(got, fixed); string(again) != string(got) {
			t.Fatalf("%q is not stable: %q", got, again)
		}
		spots, err := findLastModified(data)
		if err != nil {
			return
		}
		for i, s := range spots {
			if s.start >= s.end || s.end > len(data) || data[s.start] != '"' || data[s.end-1] != '"' || (i > 0 && spots[i-1].end > s.start) {
				t.Fatalf("spot %+v of %q", s, data)
			}
		}
	})
}
