//go:build !windows

package cli

import (
	"errors"
	"syscall"
)

// diskFull tells whether a file could not be written for want of room.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
