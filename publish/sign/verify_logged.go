//go:build !nosign

package sign

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/sigstore/sigstore-go/pkg/tlog"
)

// errOtherEntry is that of an entry which does not prove what it lies beside.
var errOtherEntry = errors.New("its log entry is about something else than what was signed")

// loggedHere compares the entries of logs that are trusted with what was signed. The
// library compares signature and signer alone.
func (t *trust) loggedHere(e *evidence) error {
	sum := sha256.Sum256(e.payload)
	for _, entry := range e.entries {
		if !t.knows(entry) {
			continue
		}
		if logged, ok := loggedHash(entry); !ok || logged != sum {
			return errOtherEntry
		}
	}
	return nil
}

// knows says whether an entry is of a log of the root's.
func (t *trust) knows(entry *tlog.Entry) bool {
	_, ok := t.root.RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]
	return ok
}

// loggedHash returns the SHA-256 of the payload that an entry is about; ok is false
// where it has none.
func loggedHash(entry *tlog.Entry) (sum [sha256.Size]byte, ok bool) {
	text, _ := entry.Body().(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return sum, false
	}
	return hashInEntry(raw)
}

// hashInEntry reads the body of an entry in either version of logs.
//
// https://github.com/sigstore/rekor/blob/main/types.md
// https://github.com/sigstore/rekor-tiles/blob/main/api/proto/rekor/v2/entry.proto
func hashInEntry(raw []byte) (sum [sha256.Size]byte, ok bool) {
	type hash struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"value"`  // hexadecimal, of the first version of logs
		Digest    []byte `json:"digest"` // of the second
	}
	var body struct {
		Spec struct {
			Data struct { // of a hashedrekord
				Hash hash `json:"hash"`
			} `json:"data"`
			PayloadHash  hash `json:"payloadHash"` // of a dsse
			HashedRekord struct {
				Data hash `json:"data"`
			} `json:"hashedRekordV002"`
			DSSE struct {
				PayloadHash hash `json:"payloadHash"`
			} `json:"dsseV002"`
			Content struct { // of an intoto
				PayloadHash hash `json:"payloadHash"`
			} `json:"content"`
		} `json:"spec"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return sum, false
	}
	s := body.Spec
	for _, h := range []hash{s.Data.Hash, s.PayloadHash, s.HashedRekord.Data, s.DSSE.PayloadHash, s.Content.PayloadHash} {
		digest := h.Digest
		if h.Algorithm == "sha256" {
			digest, _ = hex.DecodeString(h.Value)
		} else if h.Algorithm != "SHA2_256" {
			continue
		}
		if len(digest) == len(sum) {
			return [sha256.Size]byte(digest), true
		}
	}
	return sum, false
}
