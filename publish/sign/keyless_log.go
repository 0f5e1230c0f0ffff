//go:build !nosign

package sign

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"syscall"

	"github.com/sigstore/rekor/pkg/generated/client/entries"
	"github.com/sigstore/rekor/pkg/generated/models"
	sgsign "github.com/sigstore/sigstore-go/pkg/sign"
)

// logClient adds entries to a transparency log. It stands in for the library's own,
// which takes an answer without proof for one with it, and tells of a refused entry
// neither size nor reason.
//
// https://github.com/sigstore/rekor/blob/main/openapi.yaml
type logClient struct{ service }

// log returns the library's log at an address. Of its version there are promises,
// which tags have a place for.
func (k *keyless) log(address string) sgsign.Transparency {
	client := logClient{k.service("the transparency log", address, "--rekor-url")}
	return sgsign.NewRekor(&sgsign.RekorOptions{BaseURL: address, Client: client, Version: 1})
}

// CreateLogEntry adds the proposed entry and returns it with its proofs; one that the
// log has already counts, too. It fails with a [LogRefusedError] where the log does
// not want it.
func (l logClient) CreateLogEntry(params *entries.CreateLogEntryParams, _ ...entries.ClientOption) (*entries.CreateLogEntryCreated, error) {
	entry, err := json.Marshal(params.ProposedEntry)
	if err != nil {
		return nil, err
	}
	got, err := l.add(params.Context, entry)
	if err != nil {
		return nil, err
	}
	id, all, err := readEntry(got.body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s %s: %w", l.what, l.address, err)
	}
	return &entries.CreateLogEntryCreated{ETag: id, Payload: all}, nil
}

func (l logClient) add(ctx context.Context, entry []byte) (*reply, error) {
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}
	got, err := l.ask(ctx, http.MethodPost, entriesPath, header, entry)
	if err != nil {
		if ctx.Err() == nil && len(entry) >= largeEntry && hungUp(err) {
			return nil, &LogRefusedError{Log: l.address, Bytes: int64(len(entry)), Message: l.redact(err.Error())}
		}
		return nil, err
	}
	switch {
	case got.ok():
		return got, nil
	case got.status == http.StatusConflict:
		return l.existing(ctx, got)
	case refuses(got.status, len(entry)):
		return nil, &LogRefusedError{Log: l.address, Bytes: int64(len(entry)), Status: got.status, Message: l.message(got)}
	}
	if got.status/100 == 4 {
		return nil, l.refusal(got, l.hint("name another log if this one does not take such signatures"))
	}
	return nil, l.refusal(got, l.hint("try again later, or name another log"))
}

// hungUp tells whether somebody took the connection and closed it. One that was never
// made says nothing of what would have been sent.
func hungUp(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	var op *net.OpError // Windows has numbers of its own for the last two
	if errors.As(err, &op) && (op.Op == "read" || op.Op == "write") && !op.Timeout() {
		return true
	}
	return strings.Contains(err.Error(), "stream error: ") || strings.Contains(err.Error(), "GOAWAY") // of HTTP/2, whose errors have no exported type
}

const entriesPath = "/api/v1/log/entries"

// largeEntry is the size in bytes from which on an entry is taken to be the reason when
// a log breaks down over it: logs and the proxies before them drop what is too large in
// all manners.
const largeEntry = 100 << 10

// refuses tells an answer about the size of an entry from one about something else.
func refuses(status, size int) bool {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return true
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return size >= largeEntry
	}
	return status/100 == 5 && size >= largeEntry
}

// existing reads the entry that a log has already, as its answer says where.
func (l logClient) existing(ctx context.Context, got *reply) (*reply, error) {
	id := path.Base(got.header.Get("Location"))
	if _, err := hex.DecodeString(id); err != nil || id == "" {
		return nil, l.refusal(got, "try again")
	}
	found, err := l.ask(ctx, http.MethodGet, entriesPath+"/"+id, http.Header{"Accept": {"application/json"}}, nil)
	if err == nil && !found.ok() {
		err = l.refusal(found, "try again later")
	}
	return found, err
}

var errUnproven = errors.New("it has no proof that the log holds the entry")

// readEntry reads one entry that has all that the library takes for granted.
func readEntry(body []byte) (id string, all models.LogEntry, err error) {
	if err := json.Unmarshal(body, &all); err != nil {
		return "", nil, err
	}
	if len(all) != 1 {
		return "", nil, fmt.Errorf("it has %d entries instead of one", len(all))
	}
	for name, e := range all {
		id = name
		if _, isText := e.Body.(string); !isText || e.LogID == nil || e.LogIndex == nil || e.IntegratedTime == nil {
			return "", nil, errors.New("the entry is not complete")
		}
		v := e.Verification
		if v == nil || len(v.SignedEntryTimestamp) == 0 || v.InclusionProof == nil {
			return "", nil, errUnproven
		}
		p := v.InclusionProof
		if p.RootHash == nil || p.LogIndex == nil || p.TreeSize == nil || p.Checkpoint == nil || *p.Checkpoint == "" {
			return "", nil, errUnproven
		}
	}
	return id, all, nil
}
