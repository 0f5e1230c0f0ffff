package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers/cache"
	"github.com/nanobuild/nanobuild/publish"
)

// PushOptions say what is pushed where.
type PushOptions struct {
	Source    string // oci:DIR[:tag], oci:DIR@DIGEST or tar:FILE
	OSVersion string // picks one of several Windows builds
	Repo      string
	Tags      []string // none means latest
	Jobs      int      // layers pushed at a time
	Cache     string   // folder of the records; "" means none
	NetworkOptions
}

// Push brings an image from a layout or a tarball to a registry, byte by byte as it
// is, and returns its reference there.
func Push(ctx context.Context, o PushOptions, d Deps) (ref string, err error) {
	if err := o.check(); err != nil {
		return "", at(StageUsage, err)
	}
	repo, err := publish.ParseRepo(o.Repo)
	if err != nil {
		return "", at(StageUsage, err)
	}
	source, err := base.Resolve(ctx, o.Source, base.Options{What: "image", OSVersion: o.OSVersion})
	if err != nil {
		return "", at(StageBase, err)
	}
	if source.Index != nil {
		return "", at(StageUsage, fmt.Errorf("%[1]s holds an index, and push takes one image: give %[1]s@%[2]s for the one of its images that was found", folderOf(o.Source), source.Digest))
	}
	image, err := storedImage(source)
	if err != nil {
		return "", at(StageBase, fmt.Errorf("read image %s: %w", o.Source, err))
	}
	records := cache.Open(o.Cache)
	places := publish.NewPlaces()
	recallPlaces(records, places)
	sink, err := publish.NewRegistry(repo, publish.RegistryOptions{
		Network: o.open(d), Keychain: d.Keychain.For(repo.RegistryStr()), Places: places,
	})
	if err != nil {
		return "", at(StagePush, err)
	}
	if !o.SkipPushCheck {
		if err := sink.Check(ctx); err != nil {
			return "", at(StagePush, err)
		}
	}
	progress := newProgress(d)
	progress.other = "layer"
	prepared, err := publish.Prepare(ctx, image, []publish.Sink{sink}, o.tags(), publish.PushOptions{Jobs: o.Jobs, Report: progress.report})
	if err != nil {
		return "", pushError(fmt.Errorf("push %s: %w", o.Source, err))
	}
	defer func() { err = errors.Join(err, prepared.Close()) }()
	refs, err := prepared.Commit(ctx)
	if err != nil {
		return "", pushError(fmt.Errorf("push %s: %w", o.Source, err))
	}
	keepPlaces(records, places, repo)
	return refs[0], nil
}

// check finds mistakes in the arguments before anything is read.
func (o PushOptions) check() error {
	switch {
	case !strings.HasPrefix(o.Source, "oci:") && !strings.HasPrefix(o.Source, "tar:"):
		return fmt.Errorf("%s is no image in a file: give oci:DIR for an OCI layout, or tar:FILE for an archive of docker save or of publish --tarball", o.Source)
	case o.Repo == "":
		return errors.New("--repo is missing: say where to push, such as --repo ghcr.io/me/web")
	case o.Jobs < 1:
		return fmt.Errorf("-j %d: at least one job is needed", o.Jobs)
	}
	return errors.Join(each(o.Tags, publish.ParseTag), base.CheckOSVersion(o.OSVersion), o.NetworkOptions.check())
}

func (o PushOptions) tags() []string {
	if len(o.Tags) == 0 {
		return []string{"latest"}
	}
	return o.Tags
}

// storedImage is an image as it was written, with its manifest's own bytes.
func storedImage(source *base.Base) (v1.Image, error) {
	core := &storedCore{source: source, layers: map[v1.Hash]v1.Layer{}}
	for _, l := range source.Layers {
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		core.layers[digest] = l
	}
	return partial.CompressedToImage(core)
}

type storedCore struct {
	source *base.Base
	layers map[v1.Hash]v1.Layer
}

var _ partial.CompressedImageCore = (*storedCore)(nil)

func (c *storedCore) RawConfigFile() ([]byte, error)      { return c.source.Config, nil }
func (c *storedCore) RawManifest() ([]byte, error)        { return c.source.Manifest, nil }
func (c *storedCore) MediaType() (types.MediaType, error) { return c.source.MediaType, nil }
func (c *storedCore) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if l, ok := c.layers[h]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("it has no layer %s", h)
}

// folderOf is a source without what chooses one of its images.
func folderOf(source string) string {
	kind, rest, _ := strings.Cut(source, ":")
	if i := strings.LastIndexByte(rest, '@'); i > 0 {
		rest = rest[:i]
	} else {
		rest, _ = splitLayout(rest)
	}
	return kind + ":" + rest
}
