//go:build !nosign

package flow

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// manifest is an image or an index that checks are about; the zero value is none.
type manifest struct {
	digest    v1.Hash
	osVersion string
}

func (m manifest) digestText() string {
	if m.digest == (v1.Hash{}) {
		return ""
	}
	return m.digest.String()
}

// all reads what the reference names now, and makes every check.
func (r *verifyRun) all(ctx context.Context, ref name.Reference) error {
	doc, err := r.repo.Manifest(ctx, ref.Identifier())
	if err != nil {
		return at(StageBase, err)
	}
	r.found.Digest = doc.Digest.String()
	isIndex, err := kindOf(doc)
	if err != nil {
		return at(StageBase, fmt.Errorf("verify %s: %w", ref, err))
	}
	images := []listed{{manifest: manifest{digest: doc.Digest}}}
	if isIndex {
		if images, err = r.index(ctx, doc); err != nil {
			return err
		}
	}
	var seen []*looked
	for _, l := range images {
		one, err := r.image(ctx, l.manifest)
		if err != nil {
			return err
		}
		if len(l.platforms) > 0 {
			one.platforms = l.platforms
		}
		seen = append(seen, one)
	}
	top := manifest{digest: doc.Digest}
	if isIndex {
		r.indexLint(top, doc, seen)
	}
	r.notAsked()
	r.runsOn(top, seen)
	return nil
}

// listed is an image of an index.
type listed struct {
	manifest
	platforms []v1.Platform // of its entries that have one
}

// index checks the signature of an index and returns its images for Windows. Of others
// only the index's signature tells: it holds their digests.
func (r *verifyRun) index(ctx context.Context, doc distribution.Document) ([]listed, error) {
	list, err := parseIndex(doc.Content)
	if err != nil {
		return nil, at(StageBase, fmt.Errorf("read the index %s@%s: %w", r.repo.Name(), doc.Digest, err))
	}
	if _, err := r.signature(ctx, manifest{digest: doc.Digest}); err != nil {
		return nil, err
	}
	place := map[v1.Hash]int{}
	var images []listed
	for _, d := range list.Manifests {
		if d.MediaType.IsIndex() {
			return nil, at(StageBase, fmt.Errorf("read the index %s@%s: it holds an index inside an index; verify the inner one by its digest, %s", r.repo.Name(), doc.Digest, d.Digest))
		}
		if !windowsMayTake(d) {
			continue
		}
		i, known := place[d.Digest]
		if !known {
			i = len(images)
			place[d.Digest], images = i, append(images, listed{manifest: manifest{digest: d.Digest}})
		}
		if len(images) > maxEntries {
			return nil, at(StageBase, fmt.Errorf("read the index %s@%s: it has more than %d images that may be for Windows; verify them by their digests", r.repo.Name(), doc.Digest, maxEntries))
		}
		if d.Platform != nil {
			images[i].platforms = append(images[i].platforms, *d.Platform)
		}
	}
	if len(images) == 0 {
		return nil, at(StageBase, fmt.Errorf("read the index %s@%s: it holds no image for Windows; name another image", r.repo.Name(), doc.Digest))
	}
	return images, nil
}

// looked is an image that was read.
type looked struct {
	manifest
	image     *base.Base
	config    *v1.ConfigFile
	platforms []v1.Platform // by which hosts find it: those of its entries in the index, else that of its config
}

// image makes all checks of one image.
func (r *verifyRun) image(ctx context.Context, m manifest) (*looked, error) {
	one, err := r.look(ctx, m)
	if err != nil {
		return nil, err
	}
	verified, err := r.signature(ctx, one.manifest)
	if err != nil {
		return nil, err
	}
	r.attestations(one.manifest, verified)
	r.provenance(one.manifest, verified)
	if err := r.bases(ctx, one); err != nil {
		return nil, err
	}
	return one, r.contents(ctx, one)
}

// look reads manifest and config of an image by its digest.
func (r *verifyRun) look(ctx context.Context, m manifest) (*looked, error) {
	image, err := base.Resolve(ctx, r.repo.Name().Digest(m.digest.String()).Name(), base.Options{What: "image", Remote: r.reader.registries, Log: r.Log})
	if err != nil {
		return nil, at(StageBase, err)
	}
	config, err := parsedConfig(image)
	if err != nil {
		return nil, at(StageBase, err)
	}
	if image.Digest != m.digest {
		return nil, at(StageBase, fmt.Errorf("read %s@%s: it is an index inside an index; verify it by its digest", r.repo.Name(), m.digest))
	}
	m.osVersion = builder.Printable(config.OSVersion)
	return &looked{m, image, config, []v1.Platform{platformOf(config)}}, nil
}

// notAsked lists the checks that nobody asked for.
func (r *verifyRun) notAsked() {
	p := r.Asked
	for _, c := range []struct {
		name, flag string
		asked      bool
	}{
		{CheckAttestation, "--require", len(p.Require) > 0},
		{CheckBuilder, "--builder-id", p.BuilderID != ""},
		{CheckSource, "--source", p.Source != ""},
		{CheckBase, "--base-is", p.BaseIs != ""},
		{CheckBaseAge, "--max-base-age", p.MaxBaseAge != ""},
		{CheckSupported, "--supported", p.Supported},
		{CheckLint, "--lint", p.Lint},
		{CheckRunsOn, "--runs-on", len(p.RunsOn) > 0},
	} {
		if !c.asked {
			r.skip(manifest{}, c.name, "not asked: "+c.flag)
		}
	}
}
