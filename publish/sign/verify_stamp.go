//go:build !nosign

package sign

import (
	"fmt"

	"github.com/digitorus/timestamp"
)

// maxStamp bounds a timestamp, in bytes. With the certificates of its authority one has
// some thousand.
const maxStamp = 64 << 10

// checkStamp refuses a timestamp that is larger than any real one, and is asked before
// any library reads it: theirs calls itself for every level of what is nested in it, so
// that some megabytes, which nobody needs to have signed, fill the stack. That ends the
// program, and [guarded] cannot keep it from that.
func checkStamp(stamp []byte) error {
	if len(stamp) > maxStamp {
		return fmt.Errorf("a timestamp has %d bytes, more than the %d KiB that are read", len(stamp), maxStamp>>10)
	}
	return nil
}

// parseStamp reads the answer of a timestamp authority.
//
// https://www.rfc-editor.org/rfc/rfc3161#section-2.4.2
func parseStamp(stamp []byte) (read *timestamp.Timestamp, err error) {
	if err := checkStamp(stamp); err != nil {
		return nil, err
	}
	err = guarded(func() error {
		read, err = timestamp.ParseResponse(stamp)
		return err
	})
	return read, err
}
