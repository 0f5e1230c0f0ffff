package cli

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

// The exit codes of nanobuild. They are part of its contract with scripts.
const (
	exitOK          = 0
	exitOther       = 1
	exitUsage       = 2   // wrong arguments, or input that cannot become an image
	exitDotnet      = 3   // dotnet is missing or its run did not succeed
	exitBase        = 4   // the base image cannot be read, or only with credentials
	exitPush        = 5   // the target cannot be written
	exitSign        = 6   // signing failed, or something does not verify
	exitInterrupted = 130 // Ctrl-C
	exitTerminated  = 143 // SIGTERM
)

// usageError is a mistake in the arguments.
type usageError struct{ err error }

func (u usageError) Error() string { return u.err.Error() }
func (u usageError) Unwrap() error { return u.err }

// exitCode is the code of a run that ended with err.
func exitCode(ctx context.Context, err error) int {
	var signalled interrupted
	if errors.As(context.Cause(ctx), &signalled) {
		return signalCode(signalled.signal)
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	var staged *flow.Error
	if !errors.As(err, &staged) {
		return exitOther
	}
	switch staged.Stage {
	case flow.StageUsage:
		return exitUsage
	case flow.StageDotnet:
		return exitDotnet
	case flow.StageBase:
		return exitBase
	case flow.StagePush:
		return exitPush
	case flow.StageSign:
		return exitSign
	case flow.StageOther:
	}
	return exitOther
}

func signalCode(s os.Signal) int {
	if s == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupted
}
