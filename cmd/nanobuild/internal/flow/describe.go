package flow

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/builder/sbom"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// The formats of an SBOM.
const (
	formatSPDX      = "spdx"
	formatCycloneDX = "cyclonedx"
	formatNone      = "none"
)

// DescribeOptions say what is written about the images of a run. With a signer, SBOM
// and provenance are attested unless AttestSBOM and AttestProvenance forbid it.
type DescribeOptions struct {
	SBOM             string // spdx, cyclonedx or none; "" is spdx
	SBOMFile         string // gets the whole document; "" is none
	ProvenanceFile   string // likewise
	AttestSBOM       *bool
	AttestProvenance *bool
	Timestamps       bool // the provenance says when the build began and ended

	// What the provenance says of the run. None of it may hold a secret.
	Arguments  []string
	Settings   map[string]string
	Builder    string // URI of who builds and is trusted to tell of it
	Invocation string // URI of this run
	Versions   map[string]string
}

// check finds contradictions.
func (o DescribeOptions) check(signed bool, projects int) error {
	if !slices.Contains([]string{"", formatSPDX, formatCycloneDX, formatNone}, o.SBOM) {
		return fmt.Errorf("--sbom %s is unknown: use spdx, cyclonedx or none", o.SBOM)
	}
	if o.SBOM == formatCycloneDX && !sbom.HasCycloneDX {
		return errors.New("this nanobuild was built without CycloneDX (tag nosign); use --sbom spdx, or take the complete program")
	}
	wanted := o.AttestSBOM != nil && *o.AttestSBOM
	switch {
	case o.SBOM == formatNone && (o.SBOMFile != "" || wanted):
		return errors.New("--sbom none makes no SBOM for --sbom-file or --attest-sbom: leave one out")
	case !signed && wanted:
		return errors.New("--attest-sbom needs somebody to sign: add --sign-key FILE or --sign-keyless, or take --sbom-file FILE for a file that nobody signed")
	case !signed && o.AttestProvenance != nil && *o.AttestProvenance:
		return errors.New("--attest-provenance needs somebody to sign: add --sign-key FILE or --sign-keyless, or take --provenance-file FILE for a file that nobody signed")
	case !signed && o.SBOMFile == "" && o.SBOM != "" && o.SBOM != formatNone:
		return fmt.Errorf("--sbom %s makes an SBOM for nobody: add --sbom-file FILE, or --sign-key or --sign-keyless to attest it", o.SBOM)
	case !signed && o.ProvenanceFile == "" && o.Timestamps:
		return errors.New("--provenance-timestamps is for a provenance that nobody gets: add --provenance-file FILE, or --sign-key or --sign-keyless to attest it")
	case projects > 1 && o.SBOMFile+o.ProvenanceFile != "":
		return errors.New("--sbom-file and --provenance-file hold what is said of one project: publish each in a run of its own")
	}
	return nil
}

// attests says whether an SBOM or a provenance is attested in a run with that signer.
func attests(asked *bool, signer sign.Signer) bool {
	return signer != nil && (asked == nil || *asked)
}

func (r *run) wantsSBOM() bool {
	return r.Describe.SBOM != formatNone && (r.Describe.SBOMFile != "" || attests(r.Describe.AttestSBOM, r.signer))
}

func (r *run) wantsProvenance() bool {
	return r.Describe.ProvenanceFile != "" || attests(r.Describe.AttestProvenance, r.signer)
}

// description is what is known of a project's images, to be written down.
type description struct {
	document   *sbom.Document // nil where no SBOM is wanted
	packages   *dotnet.Inventory
	provenance sbom.Provenance // without the bases, which each image has of its own
}

// describe reads the project's packages and files, beside everything else.
func (r *run) describe(ctx context.Context, p *project) error {
	if !r.wantsSBOM() && !r.wantsProvenance() {
		return nil
	}
	packages, err := dotnet.ReadPackages(ctx, p.app)
	if err != nil {
		return fmt.Errorf("describe %s: %w", p.argument, err)
	}
	r.warn(packages.Notices...)
	d := &description{packages: packages, provenance: r.provenanceOf(p, packages)}
	if r.wantsSBOM() {
		d.document, err = sbom.New(ctx, sbom.Input{
			Name: p.goal.image.name, Packages: packages, Clock: p.spec.Clock, Source: sourceInSBOM(p.source),
			Files: sbom.FilesOf(p.result.Plan, p.spec.AppDir),
		})
	}
	if err != nil {
		return fmt.Errorf("describe %s: %w", p.argument, err)
	}
	p.description = d
	return nil
}

func sourceInSBOM(s builder.Source) sbom.Source {
	return sbom.Source{Repository: s.Address(), Commit: s.Commit, Dirty: s.Dirty}
}

func (r *run) provenanceOf(p *project, packages *dotnet.Inventory) sbom.Provenance {
	o := r.Describe
	return sbom.Provenance{
		Project: p.nameInRepository(), Arguments: o.Arguments, Settings: o.Settings,
		Source: sourceInSBOM(p.source), SDK: p.app.SDKVersion, Packages: packages,
		BuilderID: o.Builder, Versions: o.Versions, Invocation: o.Invocation,
	}
}

// nameInRepository is the slash path of the project below the root of its repository,
// and its name alone where there is none: folders of this machine say nothing to others.
func (p *project) nameInRepository() string {
	path := p.target.File
	if path == "" {
		path = p.target.Dir
	}
	if p.root != "" {
		if rel, err := filepath.Rel(p.root, path); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(path)
}

// sbomOf writes the SBOM in the format of the run.
func (r *run) sbomOf(d *description, of sbom.Contents) ([]byte, error) {
	if r.Describe.SBOM == formatCycloneDX {
		return d.document.CycloneDX(of)
	}
	return d.document.SPDX(of)
}

// provenanceBytes writes the provenance of what is built on those bases.
func (r *run) provenanceBytes(d *description, bases []*base.Base) ([]byte, error) {
	p := d.provenance
	p.Bases = bases
	if r.Describe.Timestamps {
		p.Started, p.Finished = r.started, r.ended
	}
	return p.Predicate()
}

// said is what is attested of what is built on those bases. Transparency logs take no
// large entries, so that what goes there lists packages, and not each file.
func (r *run) said(d *description, bases []*base.Base) ([]sign.Statement, error) {
	var all []sign.Statement
	if d == nil {
		return nil, nil
	}
	if d.document != nil && attests(r.Describe.AttestSBOM, r.signer) {
		kind := sign.PredicateSPDX
		if r.Describe.SBOM == formatCycloneDX {
			kind = sign.PredicateCycloneDX
		}
		raw, err := r.sbomOf(d, sbom.Contents{Bases: bases, PackagesOnly: r.Signing.Keyless})
		if err != nil {
			return nil, err
		}
		all = append(all, sign.Statement{PredicateType: kind, Predicate: raw})
	}
	if attests(r.Describe.AttestProvenance, r.signer) {
		raw, err := r.provenanceBytes(d, bases)
		if err != nil {
			return nil, err
		}
		all = append(all, sign.Statement{PredicateType: sign.PredicateSLSA, Predicate: raw})
	}
	return all, nil
}

// basesOfImages are the bases of the project's images.
func (p *project) basesOfImages() []*base.Base {
	all := make([]*base.Base, 0, len(p.result.Images))
	for _, img := range p.result.Images {
		all = append(all, img.Base)
	}
	return all
}
