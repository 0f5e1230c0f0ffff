package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers/cache"
	"github.com/nanobuild/nanobuild/publish"
)

// PushOptions say what is pushed where.
type PushOptions struct {
	Source    string // oci:DIR[:tag], oci:DIR@DIGEST or tar:FILE
	OSVersion string // picks one of several Windows builds; "" takes an index whole
	Repo      string
	Foreign   bool     // foreign layers are uploaded too
	Tags      []string // none means latest
	Jobs      int      // layers pushed at a time
	Cache     string   // folder of the records; "" means none
	NetworkOptions
}

// Push brings an image or an index from a layout or a tarball to a registry, byte by
// byte as it is, and returns its reference there.
func Push(ctx context.Context, o PushOptions, d Deps) (ref string, err error) {
	if err := o.check(); err != nil {
		return "", at(StageUsage, err)
	}
	repo, err := publish.ParseRepo(o.Repo)
	if err != nil {
		return "", at(StageUsage, err)
	}
	content, err := o.content(ctx)
	if err != nil {
		return "", at(StageBase, err)
	}
	records := cache.Open(o.Cache)
	places := publish.NewPlaces()
	recallPlaces(records, places)
	sink, err := publish.NewRegistry(repo, publish.RegistryOptions{
		Network: o.open(d), Keychain: d.Keychain.For(repo.RegistryStr()), Places: places, Nondistributable: o.Foreign,
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
	prepared, err := publish.Prepare(ctx, content, []publish.Sink{sink}, o.tags(), publish.PushOptions{
		Jobs: o.Jobs, Report: progress.report, Warn: func(w string) { d.Log.Warn(w) },
	})
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
