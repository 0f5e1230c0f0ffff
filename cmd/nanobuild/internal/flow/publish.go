package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/cache"
	"github.com/nanobuild/nanobuild/publish"
	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// PublishOptions are what a user can ask of a publish run.
type PublishOptions struct {
	Projects []string // as the user wrote them; empty means the working directory
	Dotnet   DotnetOptions
	Git      string // program; "" means git from PATH

	Bases     []string // none means the project's choice, else base.Default
	OSVersion string   // which build of a list
	Index     bool     // all builds of lists, in one index
	// IntoIndex is the tag of an index in a registry into which the images are put,
	// beside those that it has: REPOSITORY:TAG.
	IntoIndex    string
	PlatformTags bool // each tag also as TAG-ltsc2022 and so on, of that image alone
	Image        builder.Overrides
	Created      string // RFC 3339 or Unix seconds
	Epoch        string // SOURCE_DATE_EPOCH

	Targets Targets
	NetworkOptions
	Jobs int // layers packed and pushed at a time

	Signing  SigningOptions
	Describe DescribeOptions

	Cache     string // folder of the records; "" means none
	Recompute bool   // trust no record: compute the digest of every layer
}

// Publish builds an image of each project and puts it to its targets. It returns
// one reference per project, in the order of the arguments. Nothing is tagged
// anywhere before every image of the run is built, and nothing is signed before
// every image has its tags: what fails then fails in [StageSign], and the references
// are returned all the same.
func Publish(ctx context.Context, o PublishOptions, d Deps) (refs []string, err error) {
	// Images read their base and their files for as long as this context lives.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := newRun(ctx, o, d)
	if err != nil {
		return nil, err
	}
	defer func() {
		cancel(nil) // ends what nobody waits for
		err = errors.Join(err, r.close())
	}()
	if err := r.build(ctx, cancel); err != nil {
		return nil, err
	}
	for _, p := range r.projects {
		ref, err := r.tag(ctx, p)
		if err != nil {
			return refs, err
		}
		refs = append(refs, ref)
	}
	r.keepPlaces()
	return refs, r.finish(ctx, refs)
}

// run is one publish run: what its steps share.
type run struct {
	PublishOptions
	Deps
	started      time.Time   // in whole seconds
	ended        time.Time   // likewise, when everything is pushed
	signer       sign.Signer // nil when nothing is to be signed
	projects     []*project
	network      *distribution.Network
	temp         *tempDir
	cache        *cache.Cache // nil when it is off
	records      *records
	bases        *bases
	everyBase    bool // the user asked for all bases there are
	joined       joined
	destinations destinations
	progress     *progress
	staging      sync.Mutex          // one image at a time, so that the next can mount its layers
	slots        *semaphore.Weighted // uploads that go on before an image is finished
	told         warnings
}

func newRun(ctx context.Context, o PublishOptions, d Deps) (*run, error) {
	r := &run{PublishOptions: o, Deps: d, started: d.Now().UTC().Truncate(time.Second)}
	if err := r.setUpIndex(); err != nil {
		return nil, at(StageUsage, err)
	}
	if len(r.Bases) > 0 {
		r.Image.Base = r.Bases[0]
	}
	r.Image.Tags = r.Targets.Tags
	if len(r.Projects) == 0 {
		r.Projects = []string{"."}
	}
	if r.Jobs < 1 {
		return nil, at(StageUsage, fmt.Errorf("-j %d: at least one job is needed", r.Jobs))
	}
	mirrors, err := o.mirrors()
	if err := errors.Join(r.checkNames(), base.CheckOSVersion(o.OSVersion), r.Image.Validate(), err); err != nil {
		return nil, at(StageUsage, err)
	}
	if err := r.setUpSigning(ctx); err != nil {
		return nil, err
	}
	if r.projects, err = locate(r.Projects, d.WorkDir, o.Image.Entrypoint); err != nil {
		return nil, err
	}
	r.network = o.open(d)
	r.cache = cache.Open(o.Cache)
	r.records = &records{cache: r.cache, found: map[recordKey]layers.Blob{}}
	r.destinations.places = publish.NewPlaces()
	recallPlaces(r.cache, r.destinations.places)
	r.bases = &bases{options: base.Options{
		Remote: newRegistries(r.network, r.keychainFor(r.Targets.host())), Mirrors: mirrors, OSVersion: o.OSVersion,
		Memory: baseMemory{r.cache}, Log: d.Log,
	}, every: o.Index, log: d.Log}
	r.progress = newProgress(d)
	r.slots = semaphore.NewWeighted(int64(r.Jobs))
	if r.temp, err = newTempDir(d.TempRoot); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *run) close() error {
	r.bases.wait()
	var failed error
	for _, p := range r.projects {
		if p.prepared != nil {
			failed = errors.Join(failed, p.prepared.Close())
		}
		if p.result != nil {
			failed = errors.Join(failed, p.result.Close())
		}
	}
	if err := r.cache.Problem(); err != nil {
		r.Log.Warn(fmt.Sprintf("the next run will know less: %v; name a folder for it with --cache DIR, or leave it out with --cache off", err))
	}
	return errors.Join(failed, r.temp.Close())
}

// build makes the images and brings them to their places, still without a tag.
// While dotnet works on the first project, the base is resolved, the targets are
// checked, and what they lack of the base is sent; what goes wrong there stops
// dotnet.
func (r *run) build(ctx context.Context, cancel context.CancelCauseFunc) error {
	var steps sync.WaitGroup
	var once sync.Once
	var first error // ends the other steps, whose own errors then tell nothing
	spawn := func(step func() error) {
		steps.Go(func() {
			if err := step(); err != nil {
				once.Do(func() {
					first = err
					cancel(err)
				})
			}
		})
	}
	switch certain := r.certainBases(); {
	case len(certain) > 0:
		spawn(func() error { _, err := r.bases.all(ctx, certain); return err })
	case len(r.Bases) == 0:
		// Most projects take the default. Its failure counts when a project does.
		r.bases.prefetch(ctx, base.Default)
	}
	spawn(func() error { return r.checkTargets(ctx) })
	spawn(func() error { _, err := r.indexFormat(ctx); return err })
	spawn(func() error { return r.sendBase(ctx) })
	spawn(func() error { return r.prepareAll(ctx, spawn) })
	steps.Wait()
	return first
}

// prepareAll runs dotnet for one project after the other: two runs at once that
// share a library disturb each other. Packing goes on meanwhile.
func (r *run) prepareAll(ctx context.Context, spawn func(func() error)) error {
	for _, p := range r.projects {
		if err := r.prepare(ctx, p, spawn); err != nil {
			return err
		}
	}
	return r.uniqueNames()
}
