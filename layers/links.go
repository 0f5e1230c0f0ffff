package layers

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxLinks is how many links one path may pass, as in Linux.
const maxLinks = 40

// linkError says why a link cannot be followed.
type linkError struct{ reason string }

func (e *linkError) Error() string { return e.reason }

// resolve follows the links of a path inside fsys, and returns the path without
// links and the type of what is there. Links that leave fsys, lead nowhere or
// go round in circles give a *linkError.
func resolve(fsys fs.FS, name string) (string, fs.FileMode, error) {
	done := "."
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		if next == ".." || strings.HasPrefix(next, "../") {
			return "", 0, &linkError{"a link leads out of the folder"}
		}
		info, err := fs.Lstat(fsys, next)
		if errors.Is(err, fs.ErrNotExist) {
			return "", 0, &linkError{fmt.Sprintf("a link leads to %s, which does not exist", shorten(next))}
		}
		if err != nil {
			return "", 0, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if len(rest) == 0 {
				return next, info.Mode().Type(), nil
			}
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", 0, &linkError{"links lead round in a circle"}
		}
		target, err := readLink(fsys, next)
		if err != nil {
			return "", 0, err
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done, fs.ModeDir, nil
}

// readLink is the relative target of a link, with slashes.
func readLink(fsys fs.FS, name string) (string, error) {
	target, err := fs.ReadLink(fsys, name)
	if err != nil {
		return "", err
	}
	target = strings.ReplaceAll(target, `\`, "/")
	if strings.HasPrefix(target, "/") || (len(target) > 1 && target[1] == ':') {
		return "", &linkError{fmt.Sprintf("an absolute link leads to %s, out of the folder", shorten(target))}
	}
	return target, nil
}
