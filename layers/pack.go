package layers

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blob is a packed layer on disk.
type blob struct {
	name   string
	digest v1.Hash
	size   int64
}

// counter hashes and counts what is written.
type counter struct {
	h hash.Hash
	n int64
}

func newCounter() *counter { return &counter{h: sha256.New()} }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.h.Write(p)
}

func (c *counter) hash() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(c.h.Sum(nil))}
}

// hashTar computes the diffID. The caller has the turn.
func (l *Layer) hashTar() error {
	c := newCounter()
	if err := l.tar(l.ctx, c); err != nil {
		return err
	}
	l.diffID = c.hash()
	return nil
}

// pack makes the blob in one pass over the files. The caller has the turn.
func (l *Layer) pack(ctx context.Context) (err error) {
	if l.opts.TempDir == "" {
		return errors.New("no folder for temporary files was given")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)() //nolint:contextcheck // the end of the build ends this, too

	n, release, err := l.group.workers.take(ctx, l.UncompressedSize())
	if err != nil {
		return err
	}
	defer release()
	f, err := os.CreateTemp(l.opts.TempDir, "layer-*.tar.gz") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			l.blob = nil
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	plain, packed := newCounter(), newCounter()
	zw, err := l.group.workers.compressor(io.MultiWriter(f, packed), n)
	if err != nil {
		return err
	}
	err = l.tar(ctx, io.MultiWriter(plain, zw))
	if err = errors.Join(err, zw.Close()); err != nil {
		return err
	}
	l.group.workers.reuse(zw)
	if l.diffID != (v1.Hash{}) && l.diffID != plain.hash() {
		return errors.New("its files changed after they were hashed; let nothing else write to the publish folder, and run again")
	}
	l.diffID = plain.hash()
	l.blob = &blob{name: f.Name(), digest: packed.hash(), size: packed.n}
	return nil
}

// tar writes the tar to w, and once to the verifier.
func (l *Layer) tar(ctx context.Context, w io.Writer) error {
	if l.opts.Verify == nil || l.verified {
		return flushTar(ctx, w, l.group)
	}
	pr, pw := io.Pipe()
	verdict := make(chan error, 1)
	go func() {
		err := l.opts.Verify(pr)
		if err == nil {
			_, err = io.Copy(io.Discard, pr)
		}
		pr.CloseWithError(errRefused)
		verdict <- err
	}()
	err := flushTar(ctx, io.MultiWriter(pw, w), l.group)
	pw.CloseWithError(err)
	refused := <-verdict
	if refused != nil && (err == nil || errors.Is(err, errRefused)) {
		return fmt.Errorf("verify: %w", refused)
	}
	l.verified = err == nil
	return err
}

// errRefused ends the writing of a tar whose verifier has seen enough.
var errRefused = errors.New("the layer was refused")

func flushTar(ctx context.Context, w io.Writer, g Group) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := writeTar(ctx, b, g); err != nil {
		return err
	}
	return b.Flush()
}

// checkEntries finds what a plan never makes: entries out of order or without
// their folder.
func checkEntries(entries []Entry) error {
	folders := map[string]bool{"": true}
	for i, e := range entries {
		if i > 0 && Compare(entries[i-1].Path, e.Path) >= 0 {
			return fmt.Errorf("the entries %s and %s are not in order", entries[i-1].Path, e.Path)
		}
		if !folders[parentOf(e.Path)] {
			return fmt.Errorf("the entry %s comes without its folder", e.Path)
		}
		folders[e.Path] = e.Dir
	}
	return nil
}

func parentOf(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return ""
}
