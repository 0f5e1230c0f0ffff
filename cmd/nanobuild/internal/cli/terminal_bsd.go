//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package cli

import "golang.org/x/sys/unix"

// The requests that read and set a terminal's modes, tty(4) of the BSDs.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
