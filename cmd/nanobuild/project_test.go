package main_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// copyProject copies testdata/NAME into a folder of the test's own, so that
// nothing is built in the checkout, and returns the copy.
func copyProject(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	copyTree(t, filepath.Join(moduleRoot(t), "testdata", name), dir)
	return dir
}

// copyTree copies a folder without what builds leave in it.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "bin" || name == "obj" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o644)
	})
	if err != nil {
		t.Fatalf("copy %s: %v", from, err)
	}
}

// writeProject makes a folder from a text of files, each after a line
// "-- name --", and returns it.
func writeProject(t testing.TB, files string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "src")
	writeFiles(t, dir, files)
	return dir
}

func writeFiles(t testing.TB, dir, files string) {
	t.Helper()
	name, content := "", ""
	flush := func() {
		if name != "" {
			writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), content)
		}
	}
	for line := range strings.Lines(files) {
		if header, found := strings.CutPrefix(line, "-- "); found && strings.HasSuffix(strings.TrimSpace(header), " --") {
			flush()
			name, content = strings.TrimSuffix(strings.TrimSpace(header), " --"), ""
			continue
		}
		content += line
	}
	flush()
	if name == "" {
		t.Fatal("a project without files")
	}
}

func writeFile(t testing.TB, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tree lists a folder: the slash path of each file and folder.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		found = append(found, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// gitRepository commits everything in dir at a fixed time.
func gitRepository(t testing.TB, dir string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on PATH")
	}
	writeFile(t, filepath.Join(dir, ".gitignore"), "bin/\nobj/\n")
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "-m", "first"},
		{"remote", "add", "origin", "https://user:secret@example.com/shop/web.git"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-09-01T10:00:00Z",
			"GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=2026-09-01T10:00:00Z",
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
}
