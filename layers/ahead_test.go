package layers

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAhead(t *testing.T) {
	t.Parallel()
	text := noise(5, 3*aheadSize+17)
	for _, piece := range []int{1, 1000, aheadSize, aheadSize + 1, len(text)} {
		if piece == 1 {
			text = text[:70_000]
		}
		var got bytes.Buffer
		a := newAhead(&got)
		n, err := io.CopyBuffer(struct{ io.Writer }{a}, struct{ io.Reader }{strings.NewReader(text)}, make([]byte, piece))
		if err := errors.Join(err, a.Close()); err != nil || n != int64(len(text)) {
			t.Errorf("pieces of %d: %d bytes, %v", piece, n, err)
		}
		if got.String() != text {
			t.Errorf("pieces of %d: other bytes arrived", piece)
		}
		text = noise(5, 3*aheadSize+17)
	}
}

func TestAheadStops(t *testing.T) {
	t.Parallel()
	a := newAhead(&failing{left: aheadSize})
	_, err := io.Copy(a, zeros{}) // would go on forever
	if !errors.Is(err, errBehind) {
		t.Errorf("Write: %v", err)
	}
	if err := a.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("Close: %v", err)
	}
}
