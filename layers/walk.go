package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Bounds on what one folder may hold. Links can make a small folder look endless.
const (
	maxSources = 250_000  // of Windows itself there are not more
	maxLinked  = 1 << 16  // below links to folders
	maxNaming  = 24 << 20 // bytes of all paths
)

// source is one file or folder of the folder that is planned.
type source struct {
	rel  string // slash path as people see it
	real string // slash path without links, to open it by
	dir  bool
}

// walker lists a folder, looking through links that stay inside it.
type walker struct {
	fsys    fs.FS
	found   []source
	linked  int // how many of these lie below a link to a folder
	naming  int // bytes of their paths
	refused []error
}

// walk lists every file and folder below the root of fsys, itself not, in the
// order of Compare. What cannot be part of an image is an error.
func walk(ctx context.Context, fsys fs.FS) ([]source, error) {
	w := &walker{fsys: fsys}
	if err := w.dir(ctx, "", ".", nil); err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	if err := errors.Join(w.refused...); err != nil {
		return nil, err
	}
	slices.SortFunc(w.found, func(a, b source) int { return Compare(a.rel, b.rel) })
	return w.found, nil
}

// errEnough ends a walk that has found enough to refuse the folder for.
var errEnough = errors.New("more would help nobody")

// dir lists the folder at the path at, which people see at rel; chain holds the real
// paths of the folders around it.
func (w *walker) dir(ctx context.Context, rel, at string, chain []string) error {
	if slices.Contains(chain, at) {
		return w.refuse(rel, "a link leads back to a folder that holds it", "remove the link")
	}
	chain = append(slices.Clip(chain), at)
	list, err := fs.ReadDir(w.fsys, at)
	if err != nil {
		return fmt.Errorf("list the publish folder: %w", err)
	}
	for _, d := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.entry(ctx, path.Join(rel, d.Name()), path.Join(at, d.Name()), d.Type(), chain); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(ctx context.Context, rel, at string, mode fs.FileMode, chain []string) error {
	if err := w.count(rel, at); err != nil {
		return err
	}
	if mode&fs.ModeSymlink != 0 {
		target, targetMode, err := resolve(w.fsys, at)
		if err != nil {
			return w.link(rel, err)
		}
		at, mode = target, targetMode
	}
	switch {
	case mode.IsRegular():
		w.found = append(w.found, source{rel: rel, real: at})
	case mode.IsDir():
		w.found = append(w.found, source{rel: rel, real: at, dir: true})
		return w.dir(ctx, rel, at, chain)
	default:
		return w.refuse(rel, "it is neither a file nor a folder ("+kind(mode)+")", "remove it from the publish output")
	}
	return nil
}

// count refuses a folder that holds too much.
func (w *walker) count(rel, at string) error {
	if w.naming += len(rel); rel != at {
		w.linked++
		w.naming += len(at)
	}
	refuse := func(format string, args ...any) error {
		return &NameError{Path: shorten(rel), Reason: fmt.Sprintf(format, args...), Remedy: "publish less into one image"}
	}
	switch {
	case len(w.found) >= maxSources:
		return refuse("the folder holds more than %d files", maxSources)
	case w.linked > maxLinked:
		return refuse("links lead to more than %d files", maxLinked)
	case w.naming > maxNaming:
		return refuse("the folder holds more than %d MiB of names", maxNaming>>20)
	}
	return checkLength(rel)
}

// link records a link that cannot be followed; other errors are returned.
func (w *walker) link(rel string, err error) error {
	var bad *linkError
	if !errors.As(err, &bad) {
		return fmt.Errorf("read the link %s: %w", rel, err)
	}
	return w.refuse(rel, bad.Error(), "put a copy of the file in its place")
}

// refuse notes what cannot be part of an image; after many the walk ends.
func (w *walker) refuse(rel, reason, remedy string) error {
	w.refused = append(w.refused, &NameError{Path: shorten(rel), Reason: reason, Remedy: remedy})
	if len(w.refused) >= maxRefusals {
		return errEnough
	}
	return nil
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
