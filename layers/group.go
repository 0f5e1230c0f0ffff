package layers

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// warnPath is the length, with C:\, from which programs without long-path
// support cannot open a file (MAX_PATH):
// https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
const warnPath = 260

// group sorts entries into layers, gives each layer the folders of its entries,
// and dirs to the app layer.
func group(files []Entry, dirs, writable []string) []Group {
	layers := map[Origin]map[string]Entry{}
	add := func(e Entry) {
		if layers[e.Origin] == nil {
			layers[e.Origin] = map[string]Entry{}
		}
		e.Writable = slices.ContainsFunc(writable, func(dir string) bool { return Below(e.Path, dir) })
		layers[e.Origin][e.Path] = e
	}
	parents := func(p string, o Origin) {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if _, ok := layers[o][dir]; ok {
				return
			}
			add(folder(dir, o))
		}
	}
	for _, f := range files {
		add(f)
		parents(f.Path, f.Origin)
	}
	for _, dir := range dirs {
		add(folder(dir, App))
		parents(dir, App)
	}
	shared := defaultWorkers()
	var groups []Group
	for _, o := range Origins() {
		if len(layers[o]) > 0 {
			groups = append(groups, Group{Origin: o, Entries: sorted(layers[o]), workers: shared})
		}
	}
	return groups
}

func folder(p string, o Origin) Entry {
	return Entry{Path: p, Dir: true, Origin: o, Time: time.Unix(0, 0).UTC()}
}

func sorted(entries map[string]Entry) []Entry {
	list := make([]Entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int { return Compare(a.Path, b.Path) })
	return list
}

// longPaths warns of files that many programs cannot open, once.
func longPaths(files []Entry) []string {
	var long []string
	for _, f := range files {
		if UTF16Len(`C:\`+f.Path) >= warnPath {
			long = append(long, `C:\`+strings.ReplaceAll(f.Path, "/", `\`))
		}
	}
	switch len(long) {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("%s: the path has %d characters or more; programs without long-path support cannot open it", long[0], warnPath)}
	}
	return []string{fmt.Sprintf("%s and %d more: paths of %d characters or more; programs without long-path support cannot open them", long[0], len(long)-1, warnPath)}
}
