package layers

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	// endpointsSuffix ends the names of the manifests from which
	// MapStaticAssets serves files; a project has one, in the root.
	endpointsSuffix = ".staticwebassets.endpoints.json"
	// maxEndpoints is how many bytes such a manifest may have: 4 KB for each of
	// 4000 assets. It is held in memory, and read as JSON.
	maxEndpoints = 16 << 20
)

// isPinned says whether the times in a file are to be pinned. A manifest that is
// too large for that is packed as it is, with a warning.
func isPinned(fsys fs.FS, f source) (pinned bool, warning string, err error) {
	if !strings.HasSuffix(f.rel, endpointsSuffix) {
		return false, "", nil
	}
	info, err := fs.Stat(fsys, f.real)
	if err != nil {
		return false, "", fmt.Errorf("read %s: %w", f.rel, err)
	}
	if info.Size() > maxEndpoints {
		return false, fmt.Sprintf("%s is larger than %d MiB and packed as it is: it holds the time of the build, so its layer is another one after each build", f.rel, maxEndpoints>>20), nil
	}
	return true, "", nil
}

// pinEndpoints makes the entry of a manifest whose Last-Modified values are the
// packed times of the files they belong to. dotnet writes the times of the
// build there, the one thing in its output that no switch makes reproducible.
func pinEndpoints(o PlanOptions, f source, e *Entry, times map[string]time.Time) error {
	data, err := readLimited(o.FS, f.real)
	if err != nil {
		return fmt.Errorf("read %s: %w", e.Path, err)
	}
	wwwroot := path.Join(path.Dir(e.Path), "wwwroot")
	pinned := rewriteEndpoints(data, func(asset string) time.Time {
		if t, ok := times[Fold(path.Join(wwwroot, asset))]; ok {
			return t
		}
		return time.Unix(0, 0) // never served, but the bytes must not depend on the build
	})
	e.Size = int64(len(pinned))
	e.SHA256 = sha256.Sum256(pinned)
	e.Time = o.Clock.FileTime(e.Origin, e.SHA256)
	e.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(pinned)), nil
	}
	return nil
}

func timesByName(entries []Entry) map[string]time.Time {
	times := make(map[string]time.Time, len(entries))
	for _, e := range entries {
		times[Fold(e.Path)] = e.Time
	}
	return times
}

// readLimited reads a file of at most maxEndpoints bytes.
func readLimited(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxEndpoints+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(data) > maxEndpoints {
		return nil, errors.New("it grew while it was read")
	}
	return data, nil
}

// rewriteEndpoints replaces the Last-Modified values of a manifest by the time
// of the file that each endpoint names; no other byte changes. What does not
// read as such a manifest is returned as it is.
func rewriteEndpoints(data []byte, timeOf func(asset string) time.Time) []byte {
	spots, err := findLastModified(data)
	if err != nil {
		return data
	}
	var out bytes.Buffer
	out.Grow(len(data) + len(spots)*len(http.TimeFormat))
	at := 0
	for _, s := range spots {
		out.Write(data[at:s.start])
		out.WriteString(`"` + timeOf(s.asset).UTC().Format(http.TimeFormat) + `"`)
		at = s.end
	}
	out.Write(data[at:])
	return out.Bytes()
}
