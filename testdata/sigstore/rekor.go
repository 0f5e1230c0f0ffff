package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-openapi/runtime"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1" // the kinds of entries that clients send
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// treeID is the number of the log's tree.
const treeID = 0x1f00d

// addEntry verifies an entry as Rekor does, makes it canonical, and adds it.
// https://github.com/sigstore/rekor/blob/main/openapi.yaml
func (s *Sigstore) addEntry(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if s.options.LogLimit > 0 && len(body) >= s.options.LogLimit {
		s.refuseLarge(w, len(body))
		return
	}
	canonical, err := canonicalEntry(r.Context(), body)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, "error processing entry: "+err.Error())
		return
	}
	s.mu.Lock()
	for _, there := range s.entries {
		if bytes.Equal(there, canonical) {
			s.mu.Unlock()
			w.Header().Set("Location", rekorPath+"/api/v1/log/entries/"+entryID(canonical))
			s.refuse(w, http.StatusConflict, "an equivalent entry already exists in the transparency log")
			return
		}
	}
	index := s.log.add(canonical)
	s.entries = append(s.entries, canonical)
	s.mu.Unlock()
	w.Header().Set("Location", rekorPath+"/api/v1/log/entries/"+entryID(canonical))
	w.Header().Set("ETag", entryID(canonical))
	s.replyEntry(w, r, http.StatusCreated, index)
}

func (s *Sigstore) refuseLarge(w http.ResponseWriter, size int) {
	if status := s.options.LogLimitStatus; status != http.StatusBadRequest {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html>\n<head><title>%d %s</title></head>\n</html>\n", status, http.StatusText(status))
		return
	}
	s.refuse(w, http.StatusBadRequest, fmt.Sprintf("error processing entry: entry size of %d bytes exceeds the limit of %d", size, s.options.LogLimit))
}

// canonicalEntry is what a log keeps of a proposed entry. It fails where the signature
// in it does not fit.
func canonicalEntry(ctx context.Context, body []byte) ([]byte, error) {
	proposed, err := models.UnmarshalProposedEntry(bytes.NewReader(body), runtime.JSONConsumer())
	if err != nil {
		return nil, err
	}
	entry, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		return nil, err
	}
	return types.CanonicalizeEntry(ctx, entry)
}

func entryID(canonical []byte) string {
	return fmt.Sprintf("%016x%x", treeID, leafHash(canonical))
}

func (s *Sigstore) entryByIndex(w http.ResponseWriter, r *http.Request) {
	index, err := strconv.Atoi(r.URL.Query().Get("logIndex"))
	if err != nil || index < 0 || index >= len(s.Entries()) {
		s.refuse(w, http.StatusNotFound, "there is no such entry")
		return
	}
	s.replyEntry(w, r, http.StatusOK, index)
}

func (s *Sigstore) entryByID(w http.ResponseWriter, r *http.Request) {
	for index, entry := range s.Entries() {
		if strings.HasSuffix(entryID(entry), r.PathValue("id")) {
			s.replyEntry(w, r, http.StatusOK, index)
			return
		}
	}
	s.refuse(w, http.StatusNotFound, "there is no such entry")
}

func (s *Sigstore) logKey(w http.ResponseWriter, _ *http.Request) {
	text, err := cryptoutils.MarshalPublicKeyToPEM(s.pki.logKey.Public())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(text)
}

func (s *Sigstore) replyEntry(w http.ResponseWriter, r *http.Request, status, index int) {
	entry, err := s.logged(r.Context(), index)
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.reply(w, status, entry)
}

// logged is an entry with the log's promise and proof that it holds it.
func (s *Sigstore) logged(ctx context.Context, index int) (map[string]any, error) {
	signing, named := s.pki.logKey, s.pki.logKey
	if s.options.ForeignLog {
		signing, named = s.pki.otherLogKey, s.pki.otherLogKey
	} else if s.options.ForgedLog {
		signing = s.pki.otherLogKey
	}
	id, err := keyID(named)
	if err != nil {
		return nil, err
	}
	canonical := s.Entries()[index]
	entry := promised{
		Body: base64.StdEncoding.EncodeToString(canonical), IntegratedTime: time.Now().Unix(),
		LogID: hex.EncodeToString(id), LogIndex: index,
	}
	answer := map[string]any{
		"body": entry.Body, "integratedTime": entry.IntegratedTime, "logID": entry.LogID, "logIndex": entry.LogIndex,
	}
	if !s.options.Unproven {
		if answer["verification"], err = s.verification(ctx, signing, entry); err != nil {
			return nil, err
		}
	}
	return map[string]any{entryID(canonical): answer}, nil
}

// promised is what a log signs to promise that it holds an entry. Its fields are in
// the order of canonical JSON.
type promised struct {
	Body           string `json:"body"`
	IntegratedTime int64  `json:"integratedTime"`
	LogID          string `json:"logID"`
	LogIndex       int    `json:"logIndex"`
}

func (s *Sigstore) verification(ctx context.Context, key *ecdsa.PrivateKey, entry promised) (any, error) {
	signer, err := signature.LoadECDSASignerVerifier(key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(entry)
	if err != nil {
		return nil, err
	}
	promise, err := signer.SignMessage(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	root, size := s.log.root(), len(s.log.leaves)
	hashes := []string{}
	for _, hash := range s.log.proof(entry.LogIndex) {
		hashes = append(hashes, hex.EncodeToString(hash))
	}
	s.mu.Unlock()
	checkpoint, err := util.CreateAndSignCheckpoint(ctx, "rekor.localhost", treeID, uint64(size), root, signer)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"signedEntryTimestamp": promise,
		"inclusionProof": map[string]any{
			"logIndex": entry.LogIndex, "treeSize": size, "rootHash": hex.EncodeToString(root),
			"hashes": hashes, "checkpoint": string(checkpoint),
		},
	}, nil
}
