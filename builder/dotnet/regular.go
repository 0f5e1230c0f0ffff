package dotnet

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Bounds on files that are read whole, in bytes. Those of large applications have
// a tenth of that.
const (
	largestDeps     = 8 << 20
	largestConfig   = 1 << 20 // of a runtimeconfig.json
	largestProject  = 4 << 20
	largestSolution = 16 << 20
)

// openRegular opens a file of a folder. A link is followed inside the folder
// only, and what is no regular file is refused: opening a pipe would wait for its
// other end.
func openRegular(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	return root.Open(name)
}

// readRegular reads a file of a folder that has at most that many bytes.
func readRegular(dir, name string, most int64) (raw []byte, err error) {
	f, err := openRegular(dir, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if raw, err = io.ReadAll(io.LimitReader(f, most+1)); err != nil {
		return nil, err
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, most>>20)
	}
	return raw, nil
}
