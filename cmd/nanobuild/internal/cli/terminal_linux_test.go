package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a new terminal, pty(7): what the user has, and
// what programs read.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

func shows(t *testing.T, f *os.File) bool {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(f.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	return modes.Lflag&unix.ECHO != 0
}

func TestSecretFromTerminal(t *testing.T) {
	t.Parallel()
	user, program := openTerminal(t)
	ask := secretFrom(program)
	if ask == nil {
		t.Fatal("a terminal is none")
	}
	if _, err := user.WriteString("s3cret\nmore\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t.Context()); got != "s3cret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !shows(t, program) {
		t.Error("the terminal shows nothing any more")
	}
	if got, err := readLine(program); got != "more" || err != nil {
		t.Errorf("the next line: %q, %v", got, err)
	}
}

// TestInterruptedTerminal: it must not stay dumb when the user gives up.
func TestInterruptedTerminal(t *testing.T) {
	t.Parallel()
	_, program := openTerminal(t)
	show, err := hideInput(program.Fd())
	if err != nil || shows(t, program) {
		t.Fatalf("input is not hidden: %v", err)
	}
	if err := show(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := secretFrom(program)(ctx); !errors.Is(err, stopped) {
		t.Errorf("error = %v", err)
	}
	if !shows(t, program) {
		t.Error("the terminal shows nothing any more")
	}
}

func TestNoTerminal(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if secretFrom(r) != nil {
		t.Error("a pipe is taken for a terminal")
	}
}
