package git

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// repository is where and how git is run.
type repository struct {
	exe string
	env []string
	dir string
}

// refusedError is an answer of git with an exit code.
type refusedError struct{ message string }

func (e *refusedError) Error() string { return e.message }

// warning is what the user should know; "" for what is no problem.
func (e *refusedError) warning(dir string) string {
	switch {
	case strings.Contains(e.message, "dubious ownership"):
		return fmt.Sprintf("git does not read the repository of %s because it belongs to another user, so the image names no commit and no commit time: "+
			"run git config --global --add safe.directory %s", dir, e.safeDirectory(dir))
	case e.message == "", strings.Contains(e.message, "not a git repository"),
		strings.Contains(e.message, "must be run in a work tree"), isWithoutCommits(e.message):
		return ""
	}
	return fmt.Sprintf("git does not read the repository of %s, so the image names no commit and no commit time: %s", dir, firstLine(e.message))
}

// safeDirectory takes the folder from git's own advice, which knows the root of
// the repository.
func (e *refusedError) safeDirectory(dir string) string {
	const advice = "--add safe.directory "
	if i := strings.Index(e.message, advice); i >= 0 {
		return firstLine(e.message[i+len(advice):])
	}
	return dir
}

func isWithoutCommits(message string) bool {
	return strings.Contains(message, "does not have any commits yet") ||
		strings.Contains(message, "unknown revision") || strings.Contains(message, "ambiguous argument 'HEAD'") ||
		strings.Contains(message, "bad default revision") || strings.Contains(message, "bad revision 'HEAD'")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}

const pipeDelay = 2 * time.Second // for children of git, such as the file monitor

// git runs one command and returns its output without the last line feed. The
// error is *refusedError when git ends with an exit code.
func (r repository) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, r.exe, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.dir, r.env, pipeDelay
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", &refusedError{message: strings.TrimSpace(stderr.String())}
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return "", fmt.Errorf("run git %s: %w", args[0], err)
	}
	return strings.TrimRight(stdout.String(), "\r\n"), nil
}

// environment is the user's, with texts in English, no question at the terminal,
// and no lock on the index: a build must not get in the way of the user's git.
func environment(user []string) []string {
	return append(append([]string(nil), user...), "LC_ALL=C", "LANGUAGE=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0")
}
