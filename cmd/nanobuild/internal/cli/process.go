// Package cli is the command line of nanobuild: commands, flags, environment
// variables, exit codes and what a terminal shows.
package cli

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
	"github.com/nanobuild/nanobuild/publish/credentials"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Process is what the command line takes from the operating system. Only this
// package reads clock and environment; everything below gets them handed in.
type Process struct {
	Stdin          io.Reader                             // nil is empty
	AskSecret      func(context.Context) (string, error) // reads a line of the terminal without showing it; nil without a terminal
	Stdout, Stderr io.Writer
	Environ        []string
	WorkDir        string
	TempRoot       string
	CacheDir       string // "" where the system names no folder for caches
	Now            func() time.Time
	Home           string          // "" where the user has no home folder
	Transport      *http.Transport // carries every request; nil means a plain one
	CertsDirs      []string        // folders with certificates, a folder per registry in each
	Version        string          // "" when it was not set by the linker

	policy distribution.Policy // waits and tries of requests; the zero value is that package's own
}

// OS returns the process as the operating system gives it.
func OS(version string) Process {
	dir, err := os.Getwd()
	if err != nil {
		dir = "." // a removed working directory: absolute arguments still work
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // nothing is read from it then
	}
	caches, err := os.UserCacheDir()
	if err == nil {
		caches = filepath.Join(caches, "nanobuild")
	}
	p := Process{
		Stdin: os.Stdin, AskSecret: secretFrom(os.Stdin), Stdout: os.Stdout, Stderr: os.Stderr,
		Environ: os.Environ(), WorkDir: dir, TempRoot: os.TempDir(), CacheDir: caches,
		Now: time.Now, Home: home, Version: version,
	}
	p.Transport, p.CertsDirs = p.newTransport(), p.certsDirs()
	return p
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal os.Signal }

func (i interrupted) Error() string {
	if i.signal == syscall.SIGTERM {
		return "ended by SIGTERM"
	}
	return "interrupted"
}

// Signals returns a context that the first SIGINT or SIGTERM ends, and a function
// that stops listening. A second signal ends the process at once.
func Signals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	received := make(chan os.Signal, 1)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-received:
			signal.Stop(received)
			cancel(interrupted{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(received); cancel(nil) }
}

func (p Process) deps(log *logger) flow.Deps {
	return flow.Deps{
		Now: p.Now, Environ: p.Environ, TempRoot: p.TempRoot, WorkDir: p.WorkDir,
		Home: p.Home, Transport: p.Transport, Log: log.Logger, Secrets: log.secrets,
		Keychain: credentials.New(credentials.Options{
			Environ: p.Environ, Home: p.Home,
			Warn:   func(message string) { log.Warn(message) },
			Secret: log.secrets.Add,
		}),
		UserAgent: "nanobuild/" + p.version(), Policy: p.policy,
	}
}
