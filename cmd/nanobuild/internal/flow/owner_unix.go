//go:build unix

package flow

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByUs says whether this user made the file: in a shared temporary folder
// others may plant names.
func ownedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
