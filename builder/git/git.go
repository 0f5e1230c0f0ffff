// Package git asks git which commit a project is built from. A machine without
// git and a folder outside any repository are no errors.
package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet/program"
)

// State is the state of the repository that holds a folder.
type State struct {
	Commit string // full hash of HEAD
	Time   int64  // committer time of HEAD, seconds since the Unix epoch
	Dirty  bool   // git status lists changes or files that are neither committed nor ignored
	Remote string // URL of origin without user and password; "" without one
	Root   string // absolute path of the working tree
}

// Inspect returns the state of the repository that holds dir, run with the given
// environment; gitProgram "" is git from its PATH. The state is nil without git,
// without a repository, and in a repository without commits. What git refuses to
// read is a warning that names the remedy. It fails when ctx ends, and when git
// answers what cannot be understood.
func Inspect(ctx context.Context, gitProgram string, env []string, dir string) (*State, []string, error) {
	if gitProgram == "" {
		gitProgram = "git"
	}
	if !mayHaveRepository(dir, env) {
		return nil, nil, nil
	}
	exe, err := program.Find(gitProgram, dir, env)
	var missing *program.NotFound
	if errors.As(err, &missing) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	r := repository{exe: exe, env: environment(env), dir: dir}
	state, err := r.inspect(ctx)
	var refused *refusedError
	switch {
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("read the git state of %s: %w", dir, context.Cause(ctx))
	case errors.As(err, &refused):
		if warning := refused.warning(dir); warning != "" {
			return nil, []string{warning}, nil
		}
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read the git state of %s: %w", dir, err)
	}
	return state, nil, nil
}

// mayHaveRepository says whether git has to be asked: where no folder above has a
// .git and no variable names one, there is no repository with files.
func mayHaveRepository(dir string, env []string) bool {
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "GIT_DIR=") }) {
		return true
	}
	whole, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return true // git tells what is wrong
	}
	for at := whole; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

func (r repository) inspect(ctx context.Context) (*State, error) {
	root, err := r.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	if root == "" {
		return nil, &refusedError{} // a bare repository has no files
	}
	head, err := r.git(ctx, "log", "-1", "--no-show-signature", "--format=%H %ct", "HEAD")
	if err != nil {
		return nil, err
	}
	state := &State{Root: filepath.FromSlash(root)}
	commit, seconds, _ := strings.Cut(head, " ")
	if state.Time, err = strconv.ParseInt(seconds, 10, 64); err != nil || commit == "" {
		return nil, fmt.Errorf("git log answered %q", head)
	}
	state.Commit = commit
	status, err := r.git(ctx, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	state.Dirty = status != ""
	remote, err := r.git(ctx, "config", "--get", "remote.origin.url")
	var refused *refusedError
	if err != nil && !errors.As(err, &refused) { // exit code 1: there is none
		return nil, err
	}
	state.Remote = stripUser(remote)
	return state, nil
}
