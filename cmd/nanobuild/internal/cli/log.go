package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// logger writes what happens to stderr: short plain lines, or JSON. Nothing that is
// secret gets through it.
type logger struct {
	*slog.Logger
	secrets *distribution.Secrets
}

func newLogger(w io.Writer, format string, level slog.Level) *logger {
	secrets := new(distribution.Secrets)
	if format == "json" {
		return &logger{slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: jsonAttr(secrets)})), secrets}
	}
	return &logger{slog.New(&lineHandler{w: w, level: level, secrets: secrets, mu: &sync.Mutex{}}), secrets}
}

// lineHandler prints the message of a record on one line, the same in a terminal
// and in a pipe. Attributes are for the JSON format.
type lineHandler struct {
	w       io.Writer
	level   slog.Level
	secrets *distribution.Secrets
	mu      *sync.Mutex // one line at a time
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := fmt.Fprintln(h.w, lead(r)+strings.TrimRight(h.secrets.Redact(r.Message), "\n"))
	return err
}

func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *lineHandler) WithGroup(string) slog.Handler      { return h }

// jsonAttr changes messages and attributes before they are written: what only the
// plain lines need to know is dropped, and secrets are hidden.
func jsonAttr(secrets *distribution.Secrets) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == flow.RawLine {
			return slog.Attr{}
		}
		switch v := a.Value.Resolve(); v.Kind() {
		case slog.KindString, slog.KindAny:
			if a.Key == slog.LevelKey {
				return a
			}
			a.Value = slog.StringValue(secrets.Redact(v.String()))
		}
		return a
	}
}

// lead is what stands before the message: nothing before another program's line.
func lead(r slog.Record) string {
	raw := false
	r.Attrs(func(a slog.Attr) bool {
		raw = raw || a.Key == flow.RawLine
		return true
	})
	switch {
	case raw:
		return ""
	case r.Level >= slog.LevelError:
		return "error: "
	case r.Level >= slog.LevelWarn:
		return "warning: "
	}
	return ""
}
