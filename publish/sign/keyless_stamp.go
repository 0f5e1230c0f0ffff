//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"

	"github.com/digitorus/timestamp"
)

// stamp has timestamp authorities sign that they have seen the data. Each answer has
// the authority's certificate in it, which not every trusted root names.
//
// https://www.rfc-editor.org/rfc/rfc3161#section-3.4
func (k *keyless) stamp(ctx context.Context, authorities []string, data []byte) ([][]byte, error) {
	sum := sha256.Sum256(data)
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true}).Marshal()
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, address := range authorities {
		s := k.service("the timestamp authority", address, "--timestamp-url")
		got, err := s.ask(ctx, http.MethodPost, "", http.Header{"Content-Type": {"application/timestamp-query"}}, query)
		if err != nil {
			return nil, err
		}
		if !got.ok() {
			return nil, s.refusal(got, s.hint("check the address"))
		}
		stamp, err := parseStamp(got.body)
		if err == nil && !bytes.Equal(stamp.HashedMessage, sum[:]) {
			err = errors.New("it is of something else")
		}
		if err != nil {
			return nil, fmt.Errorf("read the timestamp of %s: %w", address, err)
		}
		all = append(all, got.body)
	}
	return all, nil
}
