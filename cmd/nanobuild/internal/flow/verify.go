//go:build !nosign

package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// VerifyOptions say which image is verified, and what it must be.
type VerifyOptions struct {
	Image string // a reference in a registry
	Asked policy.Policy
	NetworkOptions
}

// Verification is what was found. Its JSON is what scripts read: fields may be added to
// it, and none is renamed.
type Verification struct {
	Image      string             `json:"image"`  // as it was asked for, written out
	Digest     string             `json:"digest"` // of what it named when it was read; all checks are of that
	Verdict    Verdict            `json:"verdict"`
	Checks     []Check            `json:"checks"` // in a fixed order, also those that were not asked
	Signatures []VerifiedManifest `json:"signatures,omitempty"`
}

// Verdict is the outcome of a check, or of all together.
type Verdict string

// The verdicts.
const (
	Passed  Verdict = "pass"
	Failed  Verdict = "fail"
	Skipped Verdict = "skipped" // not asked, or not for this image
)

// The names of the checks, in the order in which they are told.
const (
	CheckSignature   = "signature"
	CheckAttestation = "attestation"
	CheckBuilder     = "builder-id"
	CheckSource      = "source"
	CheckBase        = "base"
	CheckBaseAge     = "base-age"
	CheckSupported   = "supported"
	CheckLint        = "lint"
	CheckRunsOn      = "runs-on"
)

// Check is one of them, on one manifest.
type Check struct {
	Name      string  `json:"name"`
	Wanted    string  `json:"wanted,omitempty"` // such as "sbom" or "ltsc2022"
	Verdict   Verdict `json:"verdict"`
	Detail    string  `json:"detail"`              // what is, and for a failure what was wanted and what to do
	Reason    string  `json:"reason,omitempty"`    // why a signature does not count, in one or two words
	Image     string  `json:"image,omitempty"`     // digest of the manifest; missing where no image was looked at
	OSVersion string  `json:"osVersion,omitempty"` // of that image
}

// VerifiedManifest is what is validly signed about a manifest.
type VerifiedManifest struct {
	Image string `json:"image"` // digest
	*sign.Verified
}

// Verify checks an image in a registry, or an index and its images for Windows. The
// reference is resolved to a digest once. It returns what it found also where that fails
// [StageSign]: something that was asked for does not hold. What cannot be read is an
// error of [StageBase].
func Verify(ctx context.Context, o VerifyOptions, d Deps) (*Verification, error) {
	ref, mirrors, err := o.check()
	if err != nil {
		return nil, at(StageUsage, err)
	}
	verifier, err := o.verifier(ctx, d)
	if err != nil {
		return nil, err
	}
	if verifier == nil {
		d.Log.Warn("no signature is asked for (--unsigned): whatever " + ref.Name() + " holds, anybody may have made it")
	}
	return o.verifyBy(ctx, verifier, ref, mirrors, d)
}

// verifyBy checks the image; verifier is nil where no signature is asked for.
func (o VerifyOptions) verifyBy(ctx context.Context, verifier sign.Verifier, ref name.Reference, mirrors []base.Mirror, d Deps) (*Verification, error) {
	reader := newRegistries(o.open(d), d.Keychain)
	run := &verifyRun{
		VerifyOptions: o, Deps: d, verifier: verifier,
		repo:   reader.repository(ref.Context()),
		reader: &imageReader{registries: reader, mirrors: mirrors, log: d.Log},
		lines:  map[string][]*base.Base{},
	}
	run.found.Image = ref.Name()
	if err := run.all(ctx, ref); err != nil {
		return nil, err
	}
	return run.conclude()
}

// check finds mistakes before anybody is asked.
func (o VerifyOptions) check() (name.Reference, []base.Mirror, error) {
	mirrors, err := o.mirrors()
	if err := errors.Join(err, o.NetworkOptions.check(), o.Asked.Check()); err != nil {
		return nil, nil, err
	}
	if kind, place, ok := strings.Cut(o.Image, ":"); ok && (kind == "oci" || kind == "tar") {
		return nil, nil, fmt.Errorf("%s is a file of this machine, and signatures are in registries; push %s first with nanobuild push %[1]s --repo REGISTRY/REPOSITORY", o.Image, place)
	}
	ref, err := name.ParseReference(o.Image)
	if err != nil {
		return nil, nil, fmt.Errorf("%q is no image in a registry: %w; write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:… without https://", o.Image, err)
	}
	return ref, mirrors, nil
}

// verifyRun verifies one reference.
type verifyRun struct {
	VerifyOptions
	Deps
	verifier sign.Verifier // nil where no signature is asked for
	repo     *distribution.Repository
	reader   *imageReader
	lines    map[string][]*base.Base // bases by reference, each read once
	silent   bool                    // Microsoft's registry, which nobody named, did not answer
	found    Verification
}

// add notes a check.
func (r *verifyRun) add(m manifest, c Check) {
	c.Image, c.OSVersion = m.digestText(), m.osVersion
	r.found.Checks = append(r.found.Checks, c)
}

// skip notes a check that nobody asked for, or that says nothing here.
func (r *verifyRun) skip(m manifest, name, why string) {
	r.add(m, Check{Name: name, Verdict: Skipped, Detail: why})
}

// conclude sorts the checks and sums them up.
func (r *verifyRun) conclude() (*Verification, error) {
	order := []string{CheckSignature, CheckAttestation, CheckBuilder, CheckSource, CheckBase, CheckBaseAge, CheckSupported, CheckLint, CheckRunsOn}
	slices.SortStableFunc(r.found.Checks, func(a, b Check) int {
		return slices.Index(order, a.Name) - slices.Index(order, b.Name)
	})
	r.found.Verdict = Passed
	var failed []string
	for _, c := range r.found.Checks {
		if c.Verdict == Failed && !slices.Contains(failed, c.Name) {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) == 0 {
		return &r.found, nil
	}
	r.found.Verdict = Failed
	return &r.found, at(StageSign, fmt.Errorf("%s is not what was asked for: %s", r.found.Image, strings.Join(failed, ", ")))
}
