package main_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/builder/base/sample"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/sampleapp"
)

// awkward are files on which hosts differ: in how they sort, encode, spell and
// end lines.
const awkward = `
-- Zeta.txt --
capitals sort before small letters, or beside them
-- alpha.txt --
1
-- a.txt --
2
-- a-b.txt --
3
-- a b.txt --
4
-- a/b.txt --
5
-- Data/UPPER lower/Mixed.TXT --
6
-- .hidden --
7
-- Data/100% {of} #1; 'a', b & c!.txt --
8
-- Größe/Übermaß.txt --
9
-- 日本/ファイル.txt --
10
-- ａ.txt --
after the next one in UTF-16, before it in UTF-8
-- 😀.txt --
11
-- lines/lf.txt --
one
two
-- empty.txt --
-- wwwroot/css/site.css --
body { color: teal }
-- Demo.staticwebassets.endpoints.json --
{"Version":1,"ManifestType":"Publish","Endpoints":[{"Route":"css/site.css","AssetFile":"css/site.css","Selectors":[],"ResponseHeaders":[
{"Name":"Cache-Control","Value":"no-cache"},{"Name":"Content-Length","Value":"21"},{"Name":"Content-Type","Value":"text/css"},
{"Name":"ETag","Value":"\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\""},{"Name":"Last-Modified","Value":"Fri, 13 Nov 2020 12:13:14 GMT"}],
"EndpointProperties":[]}]}
`

// awkwardFolder makes the publish folder dir of a small application with
// everything in it on which two hosts could disagree.
func awkwardFolder(t *testing.T, dir string) {
	t.Helper()
	if err := sampleapp.Write(dir, "hello"); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, strings.TrimPrefix(awkward, "\n"))
	writeFile(t, filepath.Join(dir, "lines", "crlf.txt"), "one\r\ntwo\r\n")
	writeFile(t, filepath.Join(dir, "Cafe\u0301.txt"), "an accent of its own\n")
	// Longer than the 260 characters that Windows programs once could name.
	writeFile(t, filepath.Join(dir, strings.Repeat("a long name/", 20), "deep.txt"), "deep\n")
	// Several blocks of the compressor, random and not.
	random := rand.NewChaCha8([32]byte{1})
	large := bytes.Repeat([]byte("nanobuild packs large files in blocks\n"), 100_000)
	_, _ = random.Read(large[1<<20 : 2<<20]) // never fails
	writeFile(t, filepath.Join(dir, "large.bin"), string(large))
	if err := os.MkdirAll(filepath.Join(dir, "nothing", "in here"), 0o755); err != nil {
		t.Fatal(err)
	}
	moods(t, dir)
}

// moods gives files modes and times of many kinds, which no image may show.
func moods(t *testing.T, dir string) {
	t.Helper()
	modes := []os.FileMode{0o600, 0o755, 0o444, 0o644}
	times := []time.Time{
		time.Date(1985, 1, 1, 1, 1, 1, 0, time.UTC), time.Date(2026, 9, 1, 10, 0, 0, 123_456_789, time.UTC), time.Date(2040, 2, 29, 3, 4, 5, 6, time.UTC),
	}
	for i, name := range tree(t, dir) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if info, err := os.Stat(file); err != nil {
			t.Fatal(err)
		} else if !info.IsDir() {
			if err := os.Chmod(file, modes[i%len(modes)]); err != nil {
				t.Fatal(err)
			}
		}
		at := times[i%len(times)]
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// dotnetFolders publishes the sample applications with the real SDK, each into
// the folder of its name in root, and returns the names.
func dotnetFolders(t *testing.T, root string) []string {
	t.Helper()
	needDotnet(t)
	projects := map[string]string{"hello": "hello", "webapi": "webapi", "shop": "shop/Shop.Web"}
	for name, project := range projects {
		dir := filepath.Join(filepath.Dir(copyProject(t, name)), filepath.FromSlash(project))
		r := runDotnet(t, dir, nil, append(sdkArgs(dir), "-o", filepath.Join(root, name))...)
		if r.code != 0 {
			t.Fatalf("dotnet publish %s: %s", project, r)
		}
	}
	return sortedKeys(projects)
}

// relativeBase writes the sample base into root. A base that is named by a
// relative path has the same name everywhere: images tell it in a label.
func relativeBase(t *testing.T, root string) (ref string) {
	t.Helper()
	idx, err := sampleIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := sample.WriteLayout(filepath.Join(root, "base"), idx); err != nil {
		t.Fatal(err)
	}
	return "oci:base"
}

// TestHandOver leaves publish folders and a base in the folder that
// NANOBUILD_TEST_FOLDERS names, for a comparison of the images that two machines
// make of them.
func TestHandOver(t *testing.T) {
	t.Parallel()
	root := os.Getenv("NANOBUILD_TEST_FOLDERS")
	if root == "" {
		t.Skip("set NANOBUILD_TEST_FOLDERS to a folder that receives publish folders")
	}
	relativeBase(t, root)
	awkwardFolder(t, filepath.Join(root, "awkward"))
	dotnetFolders(t, root)
}
