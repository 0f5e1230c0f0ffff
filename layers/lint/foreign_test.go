package lint

import (
	"archive/tar"
	"path"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/layers"
)

// foreign is an entry with nothing but what its writer sets.
func foreign(name string, typeflag byte, mode int64, records map[string]string) item {
	return item{h: tar.Header{Name: name, Typeflag: typeflag, Mode: mode, PAXRecords: records, ModTime: time.Unix(0, 0)}}
}

// craneShape is what crane append makes of a tar: every entry prefixed, so that
// "./" becomes a second Files.
func craneShape(names ...string) []item {
	items := []item{foreign("Files", tar.TypeDir, 0o555, nil), foreign("Hives", tar.TypeDir, 0o555, nil)}
	for _, name := range names {
		typeflag := byte(tar.TypeReg)
		if name[len(name)-1] == '/' {
			typeflag = tar.TypeDir
		}
		items = append(items, foreign(path.Join("Files", name), typeflag, 0o644, map[string]string{recordDescriptor: usersOwner}))
	}
	return items
}

// sdkShape is a layer of the .NET SDK for the working folder C:\a\b: only that
// folder is there, Hives comes last.
func sdkShape() []item {
	owner := map[string]string{recordDescriptor: usersOwner}
	return []item{
		foreign("Files", tar.TypeDir, 0o755, owner),
		foreign("Files/a/b", tar.TypeDir, 0o755, owner),
		foreign("Files/a/b/App.exe", tar.TypeReg, 0o755, owner),
		foreign("Hives", tar.TypeDir, 0o755, owner),
	}
}

// buildKitShape is a layer of BuildKit: folders end in a slash, folders of the
// base are there again, roots have the time of the build.
func buildKitShape() []item {
	records := func(attr, sd string) map[string]string {
		m := map[string]string{recordAttributes: attr, recordCreation: "1700000000.0"}
		if sd != "" {
			m[recordDescriptor] = sd
		}
		return m
	}
	return []item{
		foreign("Hives", tar.TypeDir, 0o40000, records("16", "")),
		foreign("Files", tar.TypeDir, 0o40000, records("16", "")),
		foreign("Files/Windows/", tar.TypeDir, 0o40755, records("16", layers.DirSD)),
		foreign("Files/app/", tar.TypeDir, 0o40755, records("16", layers.DirSD)),
		foreign("Files/app/App.exe", tar.TypeReg, 0o100755, records("32", layers.FileSD)),
		foreign("Files/app/.wh.old.dll", tar.TypeReg, 0, nil),
	}
}

// koShape is a layer of ko: no descriptor on the folder, none with an access
// list on the program.
func koShape() []item {
	return []item{
		foreign("Hives", tar.TypeDir, 0o555, nil), foreign("Files", tar.TypeDir, 0o555, nil), foreign("Files/ko-app", tar.TypeDir, 0o555, nil),
		foreign("Files/ko-app/app", tar.TypeReg, 0o555, map[string]string{recordDescriptor: usersOwner}),
	}
}

func TestForeignShapes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		items []item
		fault Class // of the permissive mode, "" where it passes
		warns []Class
	}{
		{"crane with a ./ tar", craneShape("./", "app/", "app/App.exe"), Exists, []Class{NoDACL}},
		{"crane", craneShape("app/", "app/App.exe"), "", []Class{NoDACL}},
		{"SDK below a missing folder", sdkShape(), NotFound, []Class{NoDACL}},
		{"BuildKit", buildKitShape(), "", nil},
		{"ko", koShape(), "", []Class{NoDACL, NoDescriptor}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := lintItems(t, Permissive, tt.items)
			if r.OK() != (tt.fault == "") || (tt.fault != "" && !hasFault(r, tt.fault)) {
				t.Errorf("permissive: %v, want %q", r.Findings, tt.fault)
			}
			warnings := map[Class]bool{}
			for _, f := range r.Findings {
				if f.Warning {
					warnings[f.Class] = true
				}
			}
			for _, w := range tt.warns {
				if !warnings[w] {
					t.Errorf("no warning %s in %v", w, r.Findings)
				}
			}
			if len(warnings) != len(tt.warns) {
				t.Errorf("warnings %v, want %v", warnings, tt.warns)
			}
			if lintItems(t, Strict, tt.items).OK() {
				t.Error("strict mode accepts it")
			}
		})
	}
}

// TestPermissiveRules holds the loose mode to what the importer does.
func TestPermissiveRules(t *testing.T) {
	t.Parallel()
	app := foreign("Files/app", tar.TypeDir, 0, nil)
	f := func(name string) item { return foreign(name, tar.TypeReg, 0, nil) }
	link := func(name, target string, typeflag byte, records map[string]string) item {
		i := foreign(name, typeflag, 0, records)
		i.h.Linkname = target
		return i
	}
	roots := []item{foreign("Files", tar.TypeDir, 0, nil), foreign("Hives", tar.TypeDir, 0, nil)}
	tests := []struct {
		name  string
		items []item
		fault Class
	}{
		{"Hives last, unsorted", []item{roots[0], app, f("Files/app/b"), f("Files/app/a"), roots[1]}, ""},
		{"./ in front", append(roots[:2:2], app, f("./Files/app/a")), ""},
		{"backslashes", append(roots[:2:2], app, f(`Files\app\a`)), ""},
		{"alternate stream behind its file", append(roots[:2:2], app, f("Files/app/a"), f("Files/app/a:s"), f("Files/app/a:t")), ""},
		{"alternate stream elsewhere", append(roots[:2:2], app, f("Files/app/a"), f("Files/app/b"), f("Files/app/a:s")), Colon},
		{"hive", append(roots[:2:2], f("Hives/System_Delta")), ""},
		{"hard link", append(roots[:2:2], app, f("Files/app/a"), link("Files/app/b", `Files\app\a`, tar.TypeLink, nil)), ""},
		{"hard link into a lower layer", append(roots[:2:2], app, link("Files/app/b", "Files/app/a", tar.TypeLink, nil)), ""},
		{"hard link out of Files", append(roots[:2:2], app, link("Files/app/b", "app/a", tar.TypeLink, nil)), BadLink},
		{"link", append(roots[:2:2], app, link("Files/app/l", "a", tar.TypeSymlink, nil)), ""},
		{"through a link to a folder", append(roots[:2:2], app,
			link("Files/app/l", "a", tar.TypeSymlink, map[string]string{recordAttributes: "1024"}), f("Files/app/l/x")), NotFound},
		{"deletion", append(roots[:2:2], f("Files/app/.wh.x")), ""},
		{"deletion in Hives", append(roots[:2:2], f("Hives/.wh.x")), BadTombstone},
		{"device name", append(roots[:2:2], app, f("Files/app/aux")), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := lintItems(t, Permissive, tt.items)
			if r.OK() != (tt.fault == "") || (tt.fault != "" && !hasFault(r, tt.fault)) {
				t.Errorf("%v, want %q", r.Findings, tt.fault)
			}
		})
	}
}
