//go:build !nosign

package sign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// statementType is the type of what is signed about a subject.
//
// https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
const statementType = "https://in-toto.io/Statement/v1"

type statementHead struct {
	Type          string             `json:"_type"`
	Subject       []statementSubject `json:"subject"`
	PredicateType string             `json:"predicateType"`
}

type statementSubject struct {
	Name        string            `json:"name,omitempty"`
	Digest      map[string]string `json:"digest"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// statement returns an in-toto statement, the same bytes for the same arguments. The
// predicate's bytes stay as they are. Annotations are the subject's, where cosign looks
// for those of a signature; nil leaves them out. It fails where the predicate is no
// JSON object or has no type.
func statement(subjectName string, digest v1.Hash, st Statement, annotations map[string]string) ([]byte, error) {
	if st.PredicateType == "" {
		return nil, errors.New("what is to be attested has no type")
	}
	if !json.Valid(st.Predicate) || !bytes.HasPrefix(bytes.TrimSpace(st.Predicate), []byte("{")) {
		return nil, fmt.Errorf("what is to be attested as %s is no JSON object", st.PredicateType)
	}
	head, err := json.Marshal(statementHead{
		Type:          statementType,
		Subject:       []statementSubject{{Name: subjectName, Digest: map[string]string{digest.Algorithm: digest.Hex}, Annotations: annotations}},
		PredicateType: st.PredicateType,
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(head, []byte("}")))
	b.WriteString(`,"predicate":`)
	b.Write(st.Predicate)
	b.WriteByte('}')
	return b.Bytes(), nil
}

// claimAlone reads a statement about the subject and nothing else; ok is false where it
// is none.
func claimAlone(statement []byte, subject v1.Hash) (c claim, ok bool) {
	read, err := readStatement(statement)
	if err != nil || len(read.Subject) != 1 {
		return claim{}, false
	}
	c, wrong := claimOfStatement(statement, subject)
	return c, wrong == nil
}
