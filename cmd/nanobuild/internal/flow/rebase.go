package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/cache"
	"github.com/nanobuild/nanobuild/publish"
	"github.com/nanobuild/nanobuild/publish/distribution"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// RebaseOptions say which images are put onto which base.
type RebaseOptions struct {
	Images  []string // references; one that is given twice counts once
	Fleet   Fleet    // more images
	Shard   string   // "I/N": only those of part I of N, counted from 0; "" is all
	Base    string   // the new base; "" is the newest of the line that each image is on
	OldBase string   // of images that do not say what they were built on
	Tags    []string // for the results; none means the tag that was read
	DryRun  bool     // change nothing
	Foreign bool     // send foreign layers of the new base too
	Created string   // RFC 3339 or Unix seconds
	Epoch   string   // SOURCE_DATE_EPOCH
	Jobs    int      // images at a time
	Cache   string   // folder of the records; "" means none
	Signing SigningOptions
	NetworkOptions
}

// RebasedImage is what became of an image.
type RebasedImage struct {
	Image   string   // as it was given, or found in a catalog
	Ref     string   // by digest, of the result or of an image that is current; "" where there is none
	Current bool     // it is on the newest base already
	Left    bool     // it was found in a catalog and is no image for Windows
	Changes []string // what differs
	Err     error
}

// Rebase puts images onto the newest base of the line that each was built on, or onto
// another one. A tag moves when everything is in place, and only if it still names what
// was read. Layers of the applications are neither downloaded nor uploaded.
//
// The result has one element per image, in the order of the arguments. An image that
// cannot be rebased does not stop the others; the error is then of the stage of the
// first that failed.
func Rebase(ctx context.Context, o RebaseOptions, d Deps) ([]RebasedImage, error) {
	// The layers of bases are read for as long as this context lives.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	targets, err := o.targets()
	if err != nil {
		return nil, at(StageUsage, err)
	}
	r, err := newRebaseRun(ctx, o, d, targets)
	if err != nil {
		return nil, err
	}
	found, failed, err := r.fleet(ctx)
	if err != nil {
		return nil, err
	}
	if targets, err = r.share(append(targets, found...)); err != nil {
		return nil, at(StageUsage, err)
	}
	done := make([]RebasedImage, len(targets), len(targets)+len(failed))
	g := errgroup.Group{}
	g.SetLimit(o.Jobs)
	for i, t := range targets {
		g.Go(func() error {
			done[i] = r.image(ctx, t)
			r.tell(ctx, done[i], len(targets)+len(failed) == 1)
			return nil
		})
	}
	_ = g.Wait() // each image keeps its own error
	r.keep()
	return r.sum(ctx, append(done, failed...))
}

// rebaseRun is what the images of a run share.
type rebaseRun struct {
	RebaseOptions
	Deps
	signer   sign.Signer // nil when nothing is to be signed
	clock    layers.Clock
	network  *distribution.Network
	cache    *cache.Cache
	places   *publish.Places
	bases    *bases
	asked    *bases // without what earlier runs know
	progress *progress
	told     warnings

	mu      sync.Mutex
	readers map[string]*distribution.Repository // by name
	sinks   map[string]*publish.Registry        // by name of the repository
}

func newRebaseRun(ctx context.Context, o RebaseOptions, d Deps, targets []rebaseTarget) (*rebaseRun, error) {
	mirrors, err := o.mirrors()
	if err != nil {
		return nil, at(StageUsage, err)
	}
	clock, err := builder.ResolveClock(o.Created, o.Epoch, nil)
	if err != nil {
		return nil, at(StageUsage, err)
	}
	signer, err := o.Signing.signer(ctx, d)
	if err != nil {
		return nil, err
	}
	r := &rebaseRun{
		RebaseOptions: o, Deps: d, signer: signer, clock: clock, network: o.open(d), cache: cache.Open(o.Cache),
		places: publish.NewPlaces(), progress: newProgress(d),
		readers: map[string]*distribution.Repository{}, sinks: map[string]*publish.Registry{},
	}
	recallPlaces(r.cache, r.places)
	remote := newRegistries(r.network, d.Keychain.For(o.hosts(targets)...))
	remote.recorded = true
	o.nameHosts(r.network, mirrors)
	options := base.Options{Remote: remote, Mirrors: mirrors, Log: d.Log}
	r.asked = &bases{every: true, log: d.Log, options: options}
	options.Memory = baseMemory{r.cache}
	r.bases = &bases{every: true, log: d.Log, options: options}
	return r, nil
}

// nameHosts tells the network which hosts of bases the user named. All others come out
// of images.
func (o RebaseOptions) nameHosts(n *distribution.Network, mirrors []base.Mirror) {
	for _, m := range mirrors {
		n.Name(m.Host())
	}
	for _, text := range []string{o.Base, o.OldBase} {
		if ref, err := name.ParseReference(base.Expand(text)); err == nil {
			n.Name(ref.Context().RegistryStr())
		}
	}
}

// hosts are the registries that are pushed to.
func (o RebaseOptions) hosts(targets []rebaseTarget) []string {
	var hosts []string
	if o.Fleet.Prefix != "" {
		host, _, _ := strings.Cut(o.Fleet.Prefix, "/")
		hosts = append(hosts, host)
	}
	for _, t := range targets {
		hosts = append(hosts, t.ref.Context().RegistryStr())
	}
	return hosts
}

// keep writes down what later runs want to know.
func (r *rebaseRun) keep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for text := range r.sinks {
		if repo, err := name.NewRepository(text); err == nil {
			keepPlaces(r.cache, r.places, repo)
		}
	}
	if err := r.cache.Problem(); err != nil {
		r.Log.Warn(fmt.Sprintf("the next run will know less: %v; name a folder for it with --cache DIR, or leave it out with --cache off", err))
	}
}

// warn tells what was not told yet of that image.
func (r *rebaseRun) warn(image, message string) {
	message = image + ": " + message
	if r.told.first(message) {
		r.Log.Warn(message)
	}
}

// sum tells how the run went.
func (r *rebaseRun) sum(ctx context.Context, done []RebasedImage) ([]RebasedImage, error) {
	var rebased, current, left, failed int
	var first error
	for _, d := range done {
		switch {
		case d.Err != nil:
			if failed++; first == nil {
				first = d.Err
			}
		case d.Left:
			left++
		case d.Current:
			current++
		default:
			rebased++
		}
	}
	if ctx.Err() != nil {
		return done, context.Cause(ctx)
	}
	if len(done) == 1 { // its own line says it all
		return done, first
	}
	verb := "rebased"
	if r.DryRun {
		verb = "to be rebased"
	}
	text := fmt.Sprintf("%d %s, %d up to date", rebased, verb, current)
	if left > 0 {
		text += fmt.Sprintf(", %d not for Windows", left)
	}
	if first == nil {
		r.Log.Info(text, "rebased", rebased, "current", current, "left", left)
		return done, nil
	}
	return done, &rebaseError{fmt.Sprintf("%s, %d failed", text, failed), first}
}

// rebaseError sums a run up of which each failure was told.
type rebaseError struct {
	text  string
	first error // its stage is that of the run
}

func (e *rebaseError) Error() string { return e.text }
func (e *rebaseError) Unwrap() error { return e.first }

// validate finds mistakes in the arguments before anybody is asked.
func (o RebaseOptions) validate() error {
	if o.Jobs < 1 {
		return fmt.Errorf("-j %d: at least one job is needed", o.Jobs)
	}
	if len(o.Images) == 0 && o.Fleet.Prefix == "" {
		return errors.New("no image is named: give references, a list of them with --from FILE, or --repo-prefix HOST/PATH")
	}
	if _, err := parseShard(o.Shard); err != nil {
		return err
	}
	return errors.Join(each(o.Tags, publish.ParseTag), o.Fleet.validate(), o.check())
}
