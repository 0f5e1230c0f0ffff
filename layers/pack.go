package layers

import (
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

// blobFile is a packed layer on disk.
type blobFile struct {
	Blob
	name string
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

// makeBlob packs the layer in one pass over the files.
func (l *Layer) makeBlob(ctx context.Context) (made *blobFile, err error) {
	if l.opts.TempDir == "" {
		return nil, errors.New("no folder for temporary files was given")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)() //nolint:contextcheck // the end of the build ends this, too

	n, release, err := l.group.workers.take(ctx, l.UncompressedSize())
	if err != nil {
		return nil, err
	}
	defer release()
	f, err := os.CreateTemp(l.opts.TempDir, "layer-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			made, err = nil, errors.Join(err, os.Remove(f.Name()))
		}
	}()
	packed := newCounter()
	diffID, err := l.compress(ctx, io.MultiWriter(f, packed), n)
	if err != nil {
		return nil, err
	}
	if l.diffID != (v1.Hash{}) && l.diffID != diffID {
		return nil, errors.New("its files changed after they were hashed; let nothing else write to the publish folder, and run again")
	}
	l.diffID = diffID
	return &blobFile{name: f.Name(), Blob: Blob{Digest: packed.hash(), Size: packed.n}}, nil
}

// compress writes the blob to w, n blocks at a time, and returns the diffID.
func (l *Layer) compress(ctx context.Context, w io.Writer, n int) (v1.Hash, error) {
	zw, reuse, err := l.group.workers.compressor(l.opts.Compression, w, n)
	if err != nil {
		return v1.Hash{}, err
	}
	plain := newCounter()
	err = l.verifiedTar(ctx, io.MultiWriter(plain, zw))
	if closed := zw.Close(); err == nil { // else it says the same again
		err = closed
	}
	if err != nil {
		return v1.Hash{}, err
	}
	reuse()
	return plain.hash(), nil
}

// tar writes the tar to w, from another goroutine.
func (l *Layer) tar(ctx context.Context, w io.Writer) error {
	a := newAhead(w)
	err := writeTar(ctx, a, l.group)
	if refused := a.Close(); refused != nil {
		return refused
	}
	return err
}

// verifiedTar writes the tar to w and to the verifier.
func (l *Layer) verifiedTar(ctx context.Context, w io.Writer) error {
	if l.opts.Verify == nil {
		return l.tar(ctx, w)
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
	err := l.tar(ctx, io.MultiWriter(pw, w))
	pw.CloseWithError(err)
	refused := <-verdict
	if refused != nil && (err == nil || errors.Is(err, errRefused)) {
		return fmt.Errorf("verify: %w", refused)
	}
	return err
}

// errRefused ends the writing of a tar whose verifier has seen enough.
var errRefused = errors.New("the layer was refused")

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
