package distribution

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Document returns the content of a small blob, such as a config, which has the
// digest and the size of d. One of more than 4 MiB fails.
func (r *Repository) Document(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	content, err := r.document(ctx, d)
	return content, r.explain(ctx, "read "+d.Digest.String()+" of", err)
}

func (r *Repository) document(ctx context.Context, d v1.Descriptor) (content []byte, err error) {
	what := "blob " + d.Digest.String()
	if d.Size > MaxDocument {
		return nil, &LargeError{What: what}
	}
	err = r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{method: http.MethodGet, url: r.at("/blobs/" + d.Digest.String())}, http.StatusOK)
		if err != nil {
			return r.unlessAbsent(err)
		}
		defer finish(resp)
		if content, err = readAll(resp, what); err != nil {
			return err
		}
		got, err := digestOf(d.Digest.Algorithm, content)
		if err == nil && (got != d.Digest || int64(len(content)) != d.Size) {
			err = &DamagedError{What: what, Why: fmt.Sprintf("%d bytes came with the digest %s instead of %d", len(content), got, d.Size)}
		}
		return err
	})
	return content, err
}

// Blob opens the blob that d describes. Reading goes on by Range where the
// connection breaks, and fails with a *[DamagedError] before the last byte unless
// digest and size are those of d. The blob can be opened again then. A blob that the
// registry does not have is read from the descriptor's URLs, if it has any.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
func (r *Repository) Blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	doing := "read " + d.Digest.String() + " of"
	h, err := v1.Hasher(d.Digest.Algorithm)
	if err != nil {
		return nil, r.explain(ctx, doing, err)
	}
	b := &download{r: r, ctx: ctx, doing: doing, desc: d, hash: h, from: r.at("/blobs/" + d.Digest.String())}
	err = r.try(ctx, b.open)
	var absent absentError
	for _, alternative := range d.URLs {
		if err == nil || !errors.As(err, &absent) {
			break
		}
		if u, perr := url.Parse(alternative); perr == nil && u.Host != "" {
			b.from = u
			if r.try(ctx, b.open) == nil {
				err = nil
			}
		}
	}
	if err != nil {
		return nil, r.explain(ctx, doing, err)
	}
	return b, nil
}

// download is a blob on its way.
type download struct {
	r     *Repository
	ctx   context.Context //nolint:containedctx // a reader has no place for one
	doing string
	desc  v1.Descriptor
	from  *url.URL
	hash  hash.Hash

	body   io.ReadCloser
	offset int64
	whole  bool // the server refuses ranges
	failed error
}

// open asks for what is left of the blob.
func (b *download) open(ctx context.Context) error {
	q := request{method: http.MethodGet, url: b.from, header: http.Header{}}
	if b.offset > 0 && !b.whole {
		q.header.Set("Range", fmt.Sprintf("bytes=%d-", b.offset))
	}
	resp, err := b.r.send(ctx, q, http.StatusOK, http.StatusPartialContent)
	var status *StatusError
	if errors.As(err, &status) && status.Status == http.StatusRequestedRangeNotSatisfiable && !b.whole {
		b.whole = true
		return b.open(ctx)
	}
	if err != nil {
		return b.r.unlessAbsent(err)
	}
	if err := b.arrive(resp); err != nil {
		finish(resp)
		return err
	}
	b.body = resp.Body
	return nil
}

// arrive checks that the answer goes on where we are.
func (b *download) arrive(resp *http.Response) error {
	left := b.desc.Size - b.offset
	if resp.StatusCode == http.StatusPartialContent {
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", b.offset)) {
			return b.damaged("the answer has the range %q", resp.Header.Get("Content-Range"))
		}
	} else {
		left = b.desc.Size
	}
	if resp.ContentLength >= 0 && resp.ContentLength != left {
		return b.damaged("%d bytes are offered instead of %d", resp.ContentLength, left)
	}
	if resp.StatusCode == http.StatusPartialContent || b.offset == 0 {
		return nil
	}
	// The server knows no ranges.
	if _, err := io.CopyN(io.Discard, resp.Body, b.offset); err != nil {
		return fmt.Errorf("%s %s: %w", resp.Request.Method, resp.Request.URL.Host, unexpected(err))
	}
	return nil
}

func (b *download) damaged(format string, args ...any) *DamagedError {
	return &DamagedError{What: "blob " + b.desc.Digest.String(), Why: fmt.Sprintf(format, args...)}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (b *download) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	n, err := b.read(p)
	if err != nil {
		b.failed = err
		if !errors.Is(err, io.EOF) {
			b.failed = b.r.explain(b.ctx, b.doing, err)
		}
		err = b.failed
	}
	return n, err
}

// read returns bytes of the blob. The last of them come with the verdict on all.
func (b *download) read(p []byte) (n int, err error) {
	if b.offset < b.desc.Size && len(p) == 0 {
		return 0, nil
	}
	if b.offset < b.desc.Size {
		n, err = b.next(p[:min(int64(len(p)), b.desc.Size-b.offset)])
		if err != nil {
			return 0, err
		}
	}
	b.hash.Write(p[:n])
	if b.offset < b.desc.Size {
		return n, nil
	}
	if err = b.verdict(); !errors.Is(err, io.EOF) {
		n = 0 // nobody should take the blob for whole
	}
	return n, err
}

// verdict is io.EOF for a blob that is what it should be.
func (b *download) verdict() error {
	if got := fmt.Sprintf("%s:%x", b.desc.Digest.Algorithm, b.hash.Sum(nil)); got != b.desc.Digest.String() {
		return b.damaged("its bytes have the digest %s", got)
	}
	if b.body == nil {
		return io.EOF
	}
	if more, _ := b.body.Read(make([]byte, 1)); more > 0 {
		return b.damaged("it has more than its %d bytes", b.desc.Size)
	}
	return io.EOF
}

// next reads on, over as many connections as that takes. Only tries without a new
// byte count.
func (b *download) next(p []byte) (n int, err error) {
	err = b.r.try(b.ctx, func(ctx context.Context) error {
		if b.body == nil {
			if err := b.open(ctx); err != nil {
				return err
			}
		}
		var rerr error
		for n == 0 && rerr == nil {
			n, rerr = b.body.Read(p)
		}
		if n > 0 {
			b.offset += int64(n)
			return nil // what rerr says comes again
		}
		_ = b.body.Close()
		b.body = nil
		return fmt.Errorf("GET %s%s: %w", b.from.Host, b.from.Path, unexpected(rerr))
	})
	return n, err
}

// Close ends the download.
func (b *download) Close() error {
	if b.failed == nil {
		b.failed = errClosed
	}
	if b.body == nil {
		return nil
	}
	return b.body.Close()
}

// readTries is how often a blob is read whose bytes come damaged.
const readTries = 3

// Intact calls f, which reads a blob into a file, again when the bytes came damaged
// over the network. It opens the blob anew then.
func Intact(f func() error) error {
	for i := 1; ; i++ {
		err := f()
		var damaged *DamagedError
		if err == nil || i == readTries || !errors.As(err, &damaged) {
			return err
		}
	}
}
