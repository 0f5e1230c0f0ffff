package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// environ is an environment in which git knows nothing of the machine's user.
func environ(t *testing.T, more ...string) []string {
	t.Helper()
	need.Git(t)
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + os.TempDir(),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
		"GIT_AUTHOR_DATE=1700000000 +0200", "GIT_COMMITTER_DATE=1750000000 +0200",
	}, more...)
}

func run(t *testing.T, env []string, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// committed makes a repository with one commit.
func committed(t *testing.T, env []string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run(t, env, dir, "init", "-q", "-b", "main")
	write(t, dir, "src/app.cs", "//")
	write(t, dir, ".gitignore", "obj/\n")
	run(t, env, dir, "add", ".")
	run(t, env, dir, "commit", "-q", "-m", "first")
	return dir
}

func inspect(t *testing.T, env []string, dir string) *State {
	t.Helper()
	state, warnings, err := Inspect(t.Context(), "", env, dir)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Inspect(%s): %v, warnings %q", dir, err, warnings)
	}
	return state
}

func TestInspectCommit(t *testing.T) {
	t.Parallel()
	env := environ(t)
	dir := committed(t, env)
	run(t, env, dir, "remote", "add", "origin", "https://me:secret@example.com/shop.git")
	state := inspect(t, env, filepath.Join(dir, "src"))
	if state == nil || len(state.Commit) != 40 || state.Time != 1750000000 || state.Dirty {
		t.Fatalf("state %+v", state)
	}
	if state.Root != dir || state.Remote != "https://example.com/shop.git" {
		t.Errorf("root %q, remote %q", state.Root, state.Remote)
	}
}

func TestInspectDirty(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file string
		dirty      bool
	}{
		{"changed", "src/app.cs", true},
		{"untracked", "src/new.cs", true},
		{"ignored", "src/obj/app.dll", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env := environ(t)
			dir := committed(t, env)
			write(t, dir, test.file, "changed")
			if state := inspect(t, env, dir); state.Dirty != test.dirty || state.Remote != "" {
				t.Errorf("state %+v, want dirty %v", state, test.dirty)
			}
		})
	}
}

func TestInspectWorktreeAndDetachedHead(t *testing.T) {
	t.Parallel()
	env := environ(t)
	dir := committed(t, env)
	first := inspect(t, env, dir)
	tree := filepath.Join(filepath.Dir(dir), "tree")
	run(t, env, dir, "worktree", "add", "-q", "-b", "other", tree)
	run(t, append(env, "GIT_COMMITTER_DATE=1760000000 +0000"), tree, "commit", "-q", "--allow-empty", "-m", "second")
	run(t, env, dir, "checkout", "-q", "--detach")
	if state := inspect(t, env, dir); state.Commit != first.Commit || state.Time != 1750000000 {
		t.Errorf("detached head: %+v", state)
	}
	if state := inspect(t, env, tree); state.Commit == first.Commit || state.Time != 1760000000 || state.Root != tree {
		t.Errorf("worktree: %+v", state)
	}
}

func TestInspectNothing(t *testing.T) {
	t.Parallel()
	env := environ(t)
	bare, fresh := t.TempDir(), t.TempDir()
	run(t, env, bare, "init", "-q", "--bare")
	run(t, env, fresh, "init", "-q")
	for name, dir := range map[string]string{"no repository": t.TempDir(), "no commits": fresh, "bare": bare} {
		if state := inspect(t, env, dir); state != nil {
			t.Errorf("%s: %+v", name, state)
		}
	}
	if state := inspect(t, []string{"PATH=" + t.TempDir()}, fresh); state != nil {
		t.Errorf("no git: %+v", state)
	}
}

func TestInspectDubiousOwnership(t *testing.T) {
	t.Parallel()
	env := environ(t)
	dir := committed(t, env)
	// git's own switch for testing the check.
	env = append(env, "GIT_TEST_ASSUME_DIFFERENT_OWNER=1")
	state, warnings, err := Inspect(t.Context(), "", env, filepath.Join(dir, "src"))
	if err != nil || state != nil || len(warnings) != 1 {
		t.Fatalf("Inspect = %+v, %q, %v", state, warnings, err)
	}
	if want := "git config --global --add safe.directory " + dir; !strings.HasSuffix(warnings[0], want) {
		t.Errorf("warning %q does not end in %q", warnings[0], want)
	}
}

func TestInspectEnds(t *testing.T) {
	t.Parallel()
	env := environ(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	cancel(stop)
	dir := t.TempDir()
	run(t, env, dir, "init", "-q")
	if _, _, err := Inspect(ctx, "", env, dir); !errors.Is(err, stop) {
		t.Errorf("Inspect = %v, want %v", err, stop)
	}
}

func TestMayHaveRepository(t *testing.T) {
	t.Parallel()
	env := environ(t)
	tree, none := t.TempDir(), t.TempDir()
	run(t, env, tree, "init", "-q")
	deep := filepath.Join(tree, "a", "b")
	link := filepath.Join(none, "link")
	if err := errors.Join(os.MkdirAll(deep, 0o700), os.Symlink(deep, link)); err != nil {
		t.Skip("no links here: ", err)
	}
	for name, c := range map[string]struct {
		dir  string
		env  []string
		want bool
	}{
		"root": {tree, nil, true}, "below": {deep, nil, true}, "through a link": {link, nil, true},
		"none": {none, nil, false}, "variable": {none, []string{"GIT_DIR=" + tree}, true}, "missing": {filepath.Join(none, "x"), nil, true},
	} {
		if got := mayHaveRepository(c.dir, c.env); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestStripUser(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"":                                 "",
		"https://example.com/a/b.git":      "https://example.com/a/b.git",
		"https://me@example.com/a.git":     "https://example.com/a.git",
		"https://me:pw@example.com:8/a":    "https://example.com:8/a",
		"https://me:p@w@example.com/a@b":   "https://example.com/a@b",
		"https://example.com?x=a@b":        "https://example.com?x=a@b",
		"ssh://git@example.com:22/a.git":   "ssh://example.com:22/a.git",
		"git@example.com:a/b.git":          "example.com:a/b.git",
		"me:pw@example.com:a/b.git":        "example.com:a/b.git",
		"example.com:a@b/c.git":            "example.com:a@b/c.git",
		"/srv/git/a@b.git":                 "/srv/git/a@b.git",
		"../a:b@c":                         "../a:b@c",
		"file:///srv/a.git":                "file:///srv/a.git",
		"git@[::1]:a.git":                  "[::1]:a.git",
		"https://x-token:ghp_1@github.com": "https://github.com",
	} {
		if got := stripUser(remote); got != want {
			t.Errorf("stripUser(%q) = %q, want %q", remote, got, want)
		}
	}
}

func FuzzStripUser(f *testing.F) {
	f.Add("https://me:pw@example.com/a")
	f.Add("me:pw@example.com:a")
	f.Fuzz(func(t *testing.T, remote string) {
		if got := stripUser("https://me:secret@" + strings.ReplaceAll(remote, "secret", "")); strings.Contains(got, "secret") {
			t.Errorf("%q keeps the password: %q", remote, got)
		}
	})
}
