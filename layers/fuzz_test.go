package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"testing/fstest"
	"time"
)

// FuzzCheckJSON counts the values of JSON at least as high as its parser does.
func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x,[",{}],"b":null}`, `[]`, `"\\\""`, "[[],[]]", " 1 ", "1E700", `{"a":{"b":{}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		tokens := 0
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber() // of any size
		for ; ; tokens++ {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		// A value is at most three tokens: its key and its two brackets.
		if n := countValues(raw); n > tokens+1 || 3*n < tokens {
			t.Errorf("%q has %d values and %d tokens", raw, n, tokens)
		}
	})
}

// FuzzPlan plans folders of two files with any names and contents, of which one
// may be one that is read.
func FuzzPlan(f *testing.F) {
	f.Add("App.exe", "wwwroot/a.css", []byte("MZ"), "app")
	f.Add("x.staticwebassets.endpoints.json", "X", []byte(`{"Endpoints":[{"AssetFile":"X","ResponseHeaders":[{"Name":"Last-Modified","Value":"v"}]}]}`), "srv/app")
	f.Add("key.pem", "aux", []byte("-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAA\n"), "Windows")
	f.Fuzz(func(t *testing.T, a, b string, content []byte, target string) {
		fsys := fstest.MapFS{a: {Data: content}, b: {Data: content}}
		plan, err := NewPlan(t.Context(), PlanOptions{FS: fsys, Target: target, Clock: Clock{Known: true, Seconds: 1e9}})
		if err != nil {
			return
		}
		files := 0
		for _, g := range plan.Groups {
			for i, e := range g.Entries {
				if err := CheckName(e.Path); err != nil && !e.Dir {
					t.Error(err)
				}
				if !Below(e.Path, target) && !Below(target, e.Path) || BaseOwned(e.Path) {
					t.Errorf("%q is not in %q", e.Path, target)
				}
				if i > 0 && Compare(g.Entries[i-1].Path, e.Path) >= 0 {
					t.Errorf("%q comes after %q", e.Path, g.Entries[i-1].Path)
				}
				if !e.Dir {
					files++
				}
				if e.Time.Nanosecond() != 0 || e.Time.Before(time.Unix(0, 0)) {
					t.Errorf("the time of %q is %s", e.Path, e.Time)
				}
			}
		}
		if files == 0 || files > len(fsys) {
			t.Errorf("%d files of %v", files, fsys)
		}
	})
}
