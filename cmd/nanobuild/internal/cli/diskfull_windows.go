package cli

import (
	"errors"

	"golang.org/x/sys/windows"
)

// diskFull tells whether a file could not be written for want of room.
func diskFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}
