package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
)

// secretFrom returns a function that reads a line from the terminal and shows
// nothing of it, or nil where the file is no terminal.
func secretFrom(f *os.File) func(context.Context) (string, error) {
	if !isTerminal(f.Fd()) {
		return nil
	}
	return func(ctx context.Context) (secret string, err error) {
		show, err := hideInput(f.Fd())
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, show()) }()
		return interruptible(ctx, func() (string, error) { return readLine(f) })
	}
}

// interruptible waits for read, or for the end of the context: reads of a terminal
// or a pipe know no context.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// readLine reads up to the end of a line, which it leaves out, and not a byte
// more: the next reader wants the rest. It fails where there is nothing at all.
func readLine(r io.Reader) (string, error) {
	var line strings.Builder
	one := make([]byte, 1)
	for line.Len() < maxPassword {
		n, err := r.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return strings.TrimSuffix(line.String(), "\r"), nil
		case n == 1:
			line.WriteByte(one[0])
		case errors.Is(err, io.EOF) && line.Len() > 0:
			return line.String(), nil
		case errors.Is(err, io.EOF):
			return "", errors.New("stdin is at its end")
		case err != nil:
			return "", err
		}
	}
	return "", errors.New("the line has no end")
}
