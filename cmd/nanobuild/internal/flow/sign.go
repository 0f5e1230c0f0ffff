package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// SignOptions say what is signed.
type SignOptions struct {
	Image   string // a reference by digest
	Signing SigningOptions
	// SBOM and Provenance are files whose content is attested; "" is none.
	SBOM, Provenance string
	NetworkOptions
}

// Sign signs an image, or an index and its images, and attests what files say about
// each of them. It fails in [StageSign].
func Sign(ctx context.Context, o SignOptions, d Deps) error {
	ref, err := digestRef(o.Image)
	if err == nil && !o.Signing.asked() {
		err = errors.New("nobody is to sign; add --sign-key FILE or --sign-keyless")
	}
	if err := errors.Join(err, o.check()); err != nil {
		return at(StageUsage, err)
	}
	said, err := o.statements(d)
	if err != nil {
		return at(StageUsage, err)
	}
	signer, err := o.Signing.signer(ctx, d)
	if err != nil {
		return err
	}
	repo := o.open(d).Repository(ref.Context(), d.Keychain.For(ref.Context().RegistryStr()), distribution.Push)
	digest, err := v1.NewHash(ref.DigestStr())
	if err != nil {
		return at(StageUsage, err)
	}
	s := &signatory{signer: signer, repo: repo, log: d.Log}
	err = s.all(ctx, digest, func(v1.Hash) []sign.Statement { return said }, func(v1.Descriptor) bool { return true })
	if err != nil {
		return at(StageSign, fmt.Errorf("sign %s: %w", ref, err))
	}
	return nil
}

// statements reads what is attested.
func (o SignOptions) statements(d Deps) ([]sign.Statement, error) {
	var all []sign.Statement
	for _, from := range []struct {
		flag, file string
		kind       func([]byte) (sign.Statement, error)
	}{{"--sbom-file", o.SBOM, sbomStatement}, {"--provenance-file", o.Provenance, provenanceStatement}} {
		if from.file == "" {
			continue
		}
		raw, err := readSmall(from.flag, from.file, d, maxStatement)
		if err != nil {
			return nil, err
		}
		said, err := from.kind(raw)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", from.flag, from.file, err)
		}
		all = append(all, said)
	}
	return all, nil
}

// maxStatement is the largest file that is attested, in bytes.
const maxStatement = 64 << 20

// sbomStatement tells SPDX and CycloneDX by what each has to say of itself.
func sbomStatement(raw []byte) (sign.Statement, error) {
	var head struct {
		SPDXVersion string `json:"spdxVersion"`
		BOMFormat   string `json:"bomFormat"`
	}
	switch err := json.Unmarshal(raw, &head); {
	case err != nil:
		return sign.Statement{}, fmt.Errorf("it is no JSON: %w", err)
	case head.SPDXVersion != "":
		return sign.Statement{PredicateType: sign.PredicateSPDX, Predicate: raw}, nil
	case head.BOMFormat != "":
		return sign.Statement{PredicateType: sign.PredicateCycloneDX, Predicate: raw}, nil
	}
	return sign.Statement{}, errors.New("it is neither SPDX nor CycloneDX: it has no spdxVersion and no bomFormat")
}

func provenanceStatement(raw []byte) (sign.Statement, error) {
	var head struct {
		BuildDefinition struct {
			BuildType string `json:"buildType"`
		} `json:"buildDefinition"`
	}
	switch err := json.Unmarshal(raw, &head); {
	case err != nil:
		return sign.Statement{}, fmt.Errorf("it is no JSON: %w", err)
	case head.BuildDefinition.BuildType == "":
		return sign.Statement{}, errors.New("it is no predicate of SLSA provenance v1: it has no buildDefinition with a buildType")
	}
	return sign.Statement{PredicateType: sign.PredicateSLSA, Predicate: raw}, nil
}
