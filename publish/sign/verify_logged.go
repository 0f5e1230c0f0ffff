//go:build !nosign

package sign

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // what entries name
	_ "crypto/sha512"
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
	for _, entry := range e.entries {
		if t.knows(entry) && !isAbout(entry, e.payload) {
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

// isAbout tells whether an entry has the hash of a payload.
func isAbout(entry *tlog.Entry, payload []byte) bool {
	text, _ := entry.Body().(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	algorithm, digest := hashInEntry(raw)
	if algorithm == 0 {
		return false
	}
	h := algorithm.New()
	h.Write(payload)
	return bytes.Equal(h.Sum(nil), digest)
}

// algorithmOf returns the hash that either version of logs calls so, 0 for any other.
// Those for larger curves and for Ed25519 over a hash are longer.
func algorithmOf(name string) crypto.Hash {
	switch name {
	case "sha256", "SHA2_256":
		return crypto.SHA256
	case "sha384", "SHA2_384":
		return crypto.SHA384
	case "sha512", "SHA2_512":
		return crypto.SHA512
	}
	return 0
}

// hashInEntry reads of which hash the payload is that an entry is about, from the body of
// either version of logs; 0 where it has none.
//
// https://github.com/sigstore/rekor/blob/main/types.md
// https://github.com/sigstore/rekor-tiles/blob/main/api/proto/rekor/v2/entry.proto
func hashInEntry(raw []byte) (algorithm crypto.Hash, digest []byte) {
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
		return 0, nil
	}
	s := body.Spec
	for _, h := range []hash{s.Data.Hash, s.PayloadHash, s.HashedRekord.Data, s.DSSE.PayloadHash, s.Content.PayloadHash} {
		digest := h.Digest
		if h.Value != "" {
			digest, _ = hex.DecodeString(h.Value)
		}
		if algorithm := algorithmOf(h.Algorithm); algorithm != 0 && len(digest) == algorithm.Size() {
			return algorithm, digest
		}
	}
	return 0, nil
}
