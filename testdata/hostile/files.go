package hostile

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// list describes every file and folder below dir, those in except aside.
func list(t testing.TB, dir, except string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if path == except {
			return fs.SkipDir
		}
		if err != nil { // a folder that the input forbids to look into
			return nil
		}
		info, err := d.Info()
		if err != nil { // a path that is too long
			return nil
		}
		found[path] = info.Mode().String()
		if info.Mode().IsRegular() {
			found[path] += fmt.Sprintf(", %d bytes, changed at %s", info.Size(), info.ModTime())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// changes says what is not in after as it was before.
func changes(before, after map[string]string) []string {
	var found []string
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if was, ok := before[path]; !ok {
			found = append(found, path+" is new")
		} else if was != after[path] {
			found = append(found, fmt.Sprintf("%s was %s, is %s", path, was, after[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[path]; !ok {
			found = append(found, path+" is gone")
		}
	}
	return found
}
