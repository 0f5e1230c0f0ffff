//go:build unix

package credentials

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file to whom old belongs, where this user may do that: else
// root's login in another user's home would lock that user out.
func keepOwner(path string, old fs.FileInfo) {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Getuid() {
		_ = os.Chown(path, int(stat.Uid), int(stat.Gid))
	}
}
