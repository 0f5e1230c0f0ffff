package dotnet

import (
	"bytes"
	"strings"
	"sync"
)

const (
	longestLine   = 1 << 20 // bytes; longer ones are cut into several
	keptLines     = 20      // of the output that is no diagnostic, for error messages
	keptErrorsMax = 1000
)

// output reads what dotnet writes: it sorts diagnostics from other lines, and
// passes each distinct one on.
type output struct {
	req     Request
	project string // as MSBuild names it

	mu     sync.Mutex
	seen   map[Diagnostic]bool
	errors []Diagnostic
	tail   []string
}

func newOutput(req Request, project string) *output {
	return &output{req: req, project: project, seen: map[Diagnostic]bool{}}
}

func (o *output) line(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := parseDiagnostic(line)
	if !ok {
		o.other(line)
		return
	}
	d = d.locate(o.req.WorkDir, o.project)
	if o.seen[d] {
		return
	}
	o.seen[d] = true
	if d.Severity == "error" && len(o.errors) < keptErrorsMax {
		o.errors = append(o.errors, d)
	}
	if o.req.Diagnostics != nil && !isOwnCode(d.Code) {
		o.req.Diagnostics(d)
	}
}

func (o *output) other(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	if len(o.tail) == keptLines {
		o.tail = o.tail[1:]
	}
	o.tail = append(o.tail, line)
	if o.req.Output != nil {
		o.req.Output(line)
	}
}

// stream is one of the two output streams of a process, cut into lines.
type stream struct {
	out  *output
	rest []byte
}

// Write implements io.Writer; it never fails.
func (s *stream) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		i := bytes.IndexByte(s.rest, '\n')
		if i < 0 && len(s.rest) < longestLine {
			return len(p), nil
		}
		if i < 0 {
			s.out.line(string(s.rest))
			s.rest = s.rest[:0]
			return len(p), nil
		}
		s.out.line(strings.TrimRight(string(s.rest[:i]), "\r"))
		s.rest = s.rest[i+1:]
	}
}

// flush passes on a last line without its line feed.
func (s *stream) flush() {
	if len(s.rest) > 0 {
		s.out.line(strings.TrimRight(string(s.rest), "\r"))
		s.rest = nil
	}
}
