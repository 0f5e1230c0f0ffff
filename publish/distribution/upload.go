package distribution

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Upload sends the blob, to an upload that [Repository.Mount] began or to a new one.
// What a registry has after a cut is kept where it tells how much that is; else the
// blob is opened anew for a new upload. When it returns nil, the registry has said
// that it stored the blob under its digest.
func (r *Repository) Upload(ctx context.Context, begun *Upload, blob v1.Hash, b *Body) error {
	u := &uploading{r: r, blob: blob, body: b, up: begun}
	defer b.finish()
	return r.explain(ctx, "push "+blob.String()+" to", r.try(ctx, u.try))
}

// uploading is a blob on its way to a registry.
type uploading struct {
	r    *Repository
	blob v1.Hash
	body *Body
	up   *Upload // where the next try goes on; nil begins a new one

	broken   bool  // a connection broke while the body was sent
	resumed  bool  // the last try went on where one before was cut
	anew     bool  // no more of that: the registry's word was wrong
	refusals int   // answers that ended an upload
	least    int64 // bytes that a part of the last upload had to have
}

// try sends the blob once, as far as it is not there. Smaller parts are no new try,
// but they become fewer bytes each time.
func (u *uploading) try(ctx context.Context) error {
	for {
		if err := u.once(ctx); !errors.Is(err, errShrunk) {
			return err
		}
	}
}

func (u *uploading) once(ctx context.Context) error {
	if u.up == nil {
		up, err := u.r.begin(ctx)
		if err != nil {
			return err
		}
		u.up = up
	}
	err := u.send(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return u.after(ctx, err)
}

// send is the rest of the blob, in parts where the host wants those.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
func (u *uploading) send(ctx context.Context) error {
	// The last part, of any size, goes with the end of the upload.
	for size := u.chunk(); size > 0 && u.body.size-u.up.at > size; {
		if err := u.patch(ctx, u.body.part(u.up.at, u.up.at+size)); err != nil {
			return err
		}
	}
	return u.put(ctx, u.body.part(u.up.at, u.body.size))
}

// chunk is the largest part that the host takes, or 0.
func (u *uploading) chunk() int64 {
	u.r.host.mu.Lock()
	defer u.r.host.mu.Unlock()
	if u.r.host.whole || u.r.host.chunk == 0 {
		return 0
	}
	return max(u.r.host.chunk, u.up.minChunk)
}

// put sends the end of the blob and has the upload become the blob.
func (u *uploading) put(ctx context.Context, p *part) error {
	target := *u.up.to
	query := target.Query()
	query.Set("digest", u.blob.String())
	target.RawQuery = query.Encode()
	resp, err := u.r.send(ctx, u.request(http.MethodPut, &target, p), http.StatusCreated, http.StatusOK, http.StatusNoContent, http.StatusAccepted)
	if err != nil {
		return &partError{part: p, last: true, err: err}
	}
	finish(resp)
	if resp.StatusCode == http.StatusCreated {
		return nil
	}
	// Only 201 says that the blob is there now.
	var absent absentError
	if err := u.r.hasBlobOnce(ctx, u.blob); errors.As(err, &absent) {
		return &partError{part: p, last: true, err: &DamagedError{What: "upload of " + u.blob.String(), Why: fmt.Sprintf("the registry answered %d and has no such blob", resp.StatusCode)}}
	}
	return nil
}

func (u *uploading) patch(ctx context.Context, p *part) error {
	// ECR answers 201 to a part (opencontainers/distribution-spec#303 has the others).
	resp, err := u.r.send(ctx, u.request(http.MethodPatch, u.up.to, p), http.StatusAccepted, http.StatusCreated, http.StatusNoContent, http.StatusOK)
	if err != nil {
		return &partError{part: p, err: err}
	}
	defer finish(resp)
	at, known := offsetIn(resp)
	if known && at == p.from && p.from > 0 && u.noChunks() {
		return &repeatableError{&StatusError{Method: resp.Request.Method, Host: resp.Request.URL.Host, Path: resp.Request.URL.Path, Status: resp.StatusCode, Text: "the part was thrown away"}}
	}
	if known && at != p.to {
		// What the registry has is not what it was sent.
		return &partError{part: p, err: &DamagedError{What: "upload of " + u.blob.String(), Why: fmt.Sprintf("the registry has %d bytes of it after %d were sent", at, p.to)}}
	}
	u.up.at = p.to
	if next, err := location(resp); err == nil {
		u.up.to = next
	}
	return nil
}

func (u *uploading) request(method string, to *url.URL, p *part) request {
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if method == http.MethodPatch {
		header.Set("Content-Range", fmt.Sprintf("%d-%d", p.from, p.to-1))
	}
	// A registry that does not want the body may have closed the connection before
	// its reason could be read.
	return request{method: method, url: to, header: header, body: p, expect: u.broken && p.size() >= minResume}
}

// offsetIn reads how much the registry has of an upload.
func offsetIn(resp *http.Response) (int64, bool) {
	var end int64
	// "0-1023", and "bytes=0-1023" of some. An empty one is "0-0" too, which is taken
	// for the one byte that it says.
	_, err := fmt.Sscanf(strings.TrimPrefix(resp.Header.Get("Range"), "bytes="), "0-%d", &end)
	return end + 1, err == nil && end >= 0
}

// partError is the failure of one request of an upload.
type partError struct {
	part *part
	last bool // the request was to end the upload
	err  error
}

func (e *partError) Error() string { return e.err.Error() }
func (e *partError) Unwrap() error { return e.err }

// after decides how the next try goes on after err.
func (u *uploading) after(ctx context.Context, err error) error {
	var failed *partError
	if !errors.As(err, &failed) {
		u.up = nil
		return err
	}
	up := u.up
	u.up = nil
	u.least = up.minChunk
	var source *SourceError
	if errors.As(err, &source) || forGood(err) {
		return err
	}
	sent := failed.part.progress() == failed.part.size()
	if failed.last && sent && u.r.hasBlobOnce(ctx, u.blob) == nil {
		return nil // only the answer was lost
	}
	var status *StatusError
	if errors.As(err, &status) && !status.passing() {
		return u.refused(failed, status)
	}
	u.broken = true
	if there := up.at + failed.part.progress(); there >= minResume && !u.anew && u.parts() {
		u.up = u.r.resume(ctx, up, there)
		u.resumed = u.up != nil
	}
	return err
}

// minResume is what must be there of an upload to ask how much it is, in bytes. Less
// is sent again as fast.
const minResume = 256 << 10

// resume asks how much the registry has of an upload of which at most sent bytes can
// be there. It returns nil where nothing can be made of the answer.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
func (r *Repository) resume(ctx context.Context, up *Upload, sent int64) *Upload {
	resp, err := r.send(ctx, request{method: http.MethodGet, url: up.to}, http.StatusNoContent, http.StatusAccepted)
	if err != nil {
		return nil
	}
	defer finish(resp)
	at, known := offsetIn(resp)
	if !known || at < minResume || at > sent {
		return nil
	}
	again := &Upload{to: up.to, at: at, minChunk: up.minChunk}
	if next, err := location(resp); err == nil {
		again.to = next
	}
	return again
}

// Answers that end an upload are worth a new one: registries forget theirs, and
// each has its own words for that. Those that speak of the upload or of damage get
// more of them.
const (
	newUploads      = 4
	newUploadsOther = 1
)

func (u *uploading) refused(failed *partError, status *StatusError) error {
	if status.Status == http.StatusRequestEntityTooLarge {
		return u.tooLarge(failed, status)
	}
	if status.Status == http.StatusUnauthorized {
		return status
	}
	if !failed.last && (status.Status == http.StatusMethodNotAllowed || status.has(transport.UnsupportedErrorCode)) && u.noChunks() {
		return &repeatableError{status}
	}
	limit := newUploadsOther
	if status.Status == http.StatusNotFound || status.Status == http.StatusRequestedRangeNotSatisfiable ||
		status.has(transport.BlobUploadInvalidErrorCode, transport.BlobUploadUnknownErrorCode, transport.DigestInvalidErrorCode, transport.SizeInvalidErrorCode) {
		limit = newUploads
	}
	u.anew = u.anew || u.resumed
	u.resumed = false
	if u.refusals++; u.refusals > limit {
		return status
	}
	return &repeatableError{status}
}

// parts tells whether the host may take a blob in parts.
func (u *uploading) parts() bool {
	u.r.host.mu.Lock()
	defer u.r.host.mu.Unlock()
	return !u.r.host.whole
}

// noChunks notes that the host takes no parts, and tells whether that is news.
func (u *uploading) noChunks() bool {
	u.r.host.mu.Lock()
	defer u.r.host.mu.Unlock()
	news := !u.r.host.whole
	u.r.host.whole = true
	return news
}

// The parts that are tried where a whole blob was too large, in bytes: many proxies
// let 100 MB pass.
const (
	firstChunk = 50_000_000
	leastChunk = 64 << 10
)

// errShrunk says that the next try sends smaller parts.
var errShrunk = errors.New("the parts are made smaller")

// tooLarge makes the parts smaller. A registry that gives a reason of its own, such
// as a quota, would not take them either.
func (u *uploading) tooLarge(failed *partError, status *StatusError) error {
	next := int64(firstChunk)
	if failed.part.size() <= firstChunk {
		next = failed.part.size() / 4
	}
	h := u.r.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(status.Errors) > 0 || h.whole || next < leastChunk || u.least >= failed.part.size() {
		return status
	}
	if h.chunk == 0 || next < h.chunk {
		h.chunk = next
		u.r.net.o.Notice(fmt.Sprintf("%s takes no bodies of %d bytes; sending %d at a time", u.r.name.RegistryStr(), failed.part.size(), next))
	}
	return errShrunk
}
