// Package flow holds one file per use case of nanobuild. It joins builder, layers
// and publish, and knows neither flags nor terminals.
package flow

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/nanobuild/nanobuild/publish/credentials"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Deps is what a use case takes from the process it runs in.
type Deps struct {
	Now       func() time.Time
	Environ   []string              // as of os.Environ
	TempRoot  string                // folder for temporary folders
	WorkDir   string                // absolute; relative paths and messages start here
	Transport http.RoundTripper     // for every request to a registry
	Home      string                // the user's home folder; "" where there is none
	Keychain  *credentials.Keychain // nil knows no credentials
	Log       *slog.Logger          // one short sentence per step
	Secrets   *distribution.Secrets // learns what must never be shown; may be nil
	UserAgent string
	Policy    distribution.Policy // of requests to registries; the zero value is that package's own
}

// Stage is the part of the work in which an error happened; it decides the exit
// code of the program.
type Stage int

// The stages.
const (
	StageOther  Stage = iota
	StageUsage        // the input cannot become an image, or the arguments are wrong
	StageDotnet       // dotnet is missing or its run did not succeed
	StageBase         // the base image cannot be read
	StagePush         // a registry, layout or tarball cannot be written
	StageSign         // something is not signed, or does not verify
)

// Error is an error with the stage it happened in.
type Error struct {
	Stage Stage
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error itself, without its stage.
func (e *Error) Unwrap() error { return e.Err }

func at(s Stage, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Stage: s, Err: err}
}
