package flow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers/cache"
	"github.com/nanobuild/nanobuild/publish"
)

// destinations are the repositories that a run pushes to, each with one handshake.
type destinations struct {
	places *publish.Places
	mu     sync.Mutex
	open   map[string]*destination
}

// destination is one of them.
type destination struct {
	*publish.Registry
	repo  name.Repository
	known bool // an earlier run pushed there
	trust bool // the right to push is not asked for

	checked, recalled sync.Once
	denied            error
}

// destination returns the repository's sink, which is the same for the whole run.
func (r *run) destination(repo name.Repository) (*destination, error) {
	r.destinations.mu.Lock()
	defer r.destinations.mu.Unlock()
	if found, ok := r.destinations.open[repo.Name()]; ok {
		return found, nil
	}
	sink, err := publish.NewRegistry(repo, publish.RegistryOptions{
		Network: r.network, Keychain: r.keychainFor(repo.RegistryStr()), Places: r.destinations.places,
	})
	if err != nil {
		return nil, err
	}
	opened := &destination{Registry: sink, repo: repo, trust: r.SkipPushCheck, known: len(r.destinations.places.Blobs(repo)) > 0}
	if r.destinations.open == nil {
		r.destinations.open = map[string]*destination{}
	}
	r.destinations.open[repo.Name()] = opened
	return opened, nil
}

// namedDestination is the one repository that flags name for the image, or nil.
func (r *run) namedDestination() (*destination, error) {
	t := r.Targets
	if t.Repo == "" || t.NoPush || t.prefix() {
		return nil, nil
	}
	repo, err := r.pushed(t.Repo)
	if err != nil {
		return nil, err
	}
	return r.destination(*repo.push)
}

// Check finds out, once, whether the registry lets us push. Where an earlier run
// pushed, a handshake is enough: the rest is seen soon.
func (d *destination) Check(ctx context.Context) error {
	d.checked.Do(func() {
		switch {
		case d.trust:
		case d.known:
			d.denied = d.Login(ctx)
		default:
			d.denied = d.Registry.Check(ctx)
		}
	})
	return d.denied
}

// recall learns, once, from the image that the first of the tags names now.
// Where the records know the repository already, it asks nothing.
func (r *run) recall(ctx context.Context, d *destination, tags []string) {
	if d.known || r.Recompute || len(tags) == 0 {
		return
	}
	d.recalled.Do(func() {
		found, err := d.Tagged(ctx, tags)
		switch {
		case err != nil:
			r.Log.Debug(fmt.Sprintf("%s: what it holds now is not used: %v", d.Name(), err))
		case found != nil:
			n := r.records.learn(found)
			r.Log.Debug(fmt.Sprintf("%s:%s has %d layers of the present format", d.Name(), found.Tag, n))
		}
	})
}

// recallPlaces fills places from the cache.
func recallPlaces(c *cache.Cache, places *publish.Places) {
	c.Each(repoKind, func(repo string, value []byte) {
		parsed, err := name.NewRepository(repo)
		if err != nil {
			return
		}
		for _, text := range strings.Fields(string(value)) {
			if digest, err := v1.NewHash("sha256:" + text); err == nil {
				places.Add(parsed, digest)
			}
		}
	})
}

// maxBlobs is how many blobs of a repository are remembered, the newest.
const maxBlobs = 24

// keepPlaces writes down which blobs the repositories of the run hold.
func (r *run) keepPlaces() {
	for _, d := range r.destinations.open {
		keepPlaces(r.cache, r.destinations.places, d.repo)
	}
}

func keepPlaces(c *cache.Cache, places *publish.Places, repo name.Repository) {
	blobs := places.Blobs(repo)
	var digests []string
	for _, b := range blobs[max(0, len(blobs)-maxBlobs):] {
		if b.Algorithm == "sha256" {
			digests = append(digests, b.Hex)
		}
	}
	slices.Sort(digests)
	if len(digests) > 0 {
		c.Put(repoKind, repo.Name(), []byte(strings.Join(digests, " ")))
	}
}
