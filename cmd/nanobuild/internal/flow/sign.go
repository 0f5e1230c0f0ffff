package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// SignOptions say what is signed.
type SignOptions struct {
	Image   string // a reference by digest
	Signing SigningOptions
	// SBOM and Provenance are files whose content is attested, or folders with a file
	// for each digest, as publish writes them; "" is none.
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
	digest, err := v1.NewHash(ref.DigestStr())
	if err != nil {
		return at(StageUsage, err)
	}
	// Wrong files are found before anybody is asked for a password.
	written := &documents{options: o, deps: d}
	if _, err := written.about(digest); err != nil {
		return at(StageUsage, err)
	}
	signer, err := o.Signing.signer(ctx, d)
	if err != nil {
		return err
	}
	repo := o.open(d).Repository(ref.Context(), d.Keychain.For(ref.Context().RegistryStr()), distribution.Push)
	s := &signatory{signer: signer, repo: repo, log: d.Log, said: written.about, only: func(v1.Descriptor) bool { return true }, several: written.several}
	if err := s.all(ctx, digest); err != nil {
		if staged := (*Error)(nil); errors.As(err, &staged) {
			return err
		}
		return at(StageSign, fmt.Errorf("sign %s: %w", ref, err))
	}
	return nil
}

// documents are the files with what is attested.
type documents struct {
	options SignOptions
	deps    Deps
}

// several refuses files for an index of several images: what is true of one image is not
// of another, which is on another base.
func (o *documents) several() error {
	for _, from := range o.sources() {
		if from.place != "" && !from.folder {
			return at(StageUsage, fmt.Errorf("%s %s is one document, and the index has several images, each with a base of its own; name a folder there and at publish: %[1]s documents/", from.flag, from.place))
		}
	}
	return nil
}

// source is where documents of a kind come from.
type source struct {
	flag, place, end string
	folder           bool
	kind             func([]byte) (sign.Statement, error)
}

func (o *documents) sources() []source {
	all := []source{
		{flag: "--sbom-file", place: o.options.SBOM, end: sbomEnd, kind: sbomStatement},
		{flag: "--provenance-file", place: o.options.Provenance, end: provenanceEnd, kind: provenanceStatement},
	}
	for i := range all {
		all[i].folder = all[i].place != "" && isFolder(o.deps.WorkDir, all[i].place)
	}
	return all
}

// about reads what is attested of a digest. In a folder there may be nothing about it.
func (o *documents) about(digest v1.Hash) ([]sign.Statement, error) {
	var all []sign.Statement
	for _, from := range o.sources() {
		if from.place == "" {
			continue
		}
		file := from.place
		if from.folder {
			file = filepath.Join(file, documentName(digest, from.end))
		}
		raw, err := readSmall(from.flag, file, o.deps, maxStatement)
		if from.folder && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		said, err := from.kind(raw)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", from.flag, file, err)
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
