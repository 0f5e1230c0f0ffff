package publish

import (
	"context"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Places knows in which repositories blobs were seen, so that a blob can be
// mounted from one to another instead of being sent again. Several [Registry]
// sinks share one: then they also send a blob to a registry once. It is safe for
// concurrent use, and its zero value knows nothing.
type Places struct {
	mu    sync.Mutex
	repos []*repoBlobs             // in the order in which they became known
	busy  map[string]chan struct{} // what is being worked on; closed when that ends
}

// repoBlobs is what is known of one repository.
type repoBlobs struct {
	repo      name.Repository
	order     []v1.Hash        // the blob seen last at the end
	confirmed map[v1.Hash]bool // of each blob in order: whether this run saw it
}

// NewPlaces returns a Places that knows nothing.
func NewPlaces() *Places { return new(Places) }

// Add notes that the blobs are probably in repo: an earlier run put them there, or
// a manifest of the repository names them.
func (p *Places) Add(repo name.Repository, blobs ...v1.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range blobs {
		p.note(repo, b, false)
	}
}

// Vouch notes that the blobs are in repo, because this run read a manifest there that
// names them. Nobody asks for one of them again, which a registry that has lost it
// says when it gets the next manifest.
func (p *Places) Vouch(repo name.Repository, blobs ...v1.Hash) { p.confirm(repo, blobs...) }

// Has tells whether the blob was seen in repo, by an earlier run or by this one.
func (p *Places) Has(repo name.Repository, blob v1.Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.find(repo)
	if r == nil {
		return false
	}
	_, ok := r.confirmed[blob]
	return ok
}

// Blobs returns the blobs that were seen in repo. The one noted last comes last,
// so that whoever saves only some of them keeps the end.
func (p *Places) Blobs(repo name.Repository) []v1.Hash {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.find(repo); r != nil {
		return slices.Clone(r.order)
	}
	return nil
}

// isConfirmed tells whether this run found the blob in repo or put it there.
func (p *Places) isConfirmed(repo name.Repository, blob v1.Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.find(repo)
	return r != nil && r.confirmed[blob]
}

// confirm notes that the blobs are in repo now.
func (p *Places) confirm(repo name.Repository, blobs ...v1.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range blobs {
		p.note(repo, b, true)
	}
}

// forget drops what an earlier run told of the blob in repo, since it is not so
// any more. What this run saw itself stays.
func (p *Places) forget(repo name.Repository, blob v1.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.find(repo)
	if r == nil || r.confirmed[blob] {
		return
	}
	delete(r.confirmed, blob)
	r.order = slices.DeleteFunc(r.order, func(h v1.Hash) bool { return h == blob })
}

// elsewhere returns the other repositories of repo's registry where the blob was
// seen by this run, or else only by others.
func (p *Places) elsewhere(repo name.Repository, blob v1.Hash, confirmed bool) []name.Repository {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []name.Repository
	for _, r := range p.repos {
		if r.repo.RegistryStr() != repo.RegistryStr() || r.repo.Name() == repo.Name() {
			continue
		}
		if c, ok := r.confirmed[blob]; ok && c == confirmed {
			found = append(found, r.repo)
		}
	}
	return found
}

// note puts the blob at the end of repo's list; the caller holds the lock.
func (p *Places) note(repo name.Repository, blob v1.Hash, confirmed bool) {
	r := p.find(repo)
	if r == nil {
		r = &repoBlobs{repo: repo, confirmed: map[v1.Hash]bool{}}
		p.repos = append(p.repos, r)
	}
	if _, known := r.confirmed[blob]; known {
		r.order = slices.DeleteFunc(r.order, func(h v1.Hash) bool { return h == blob })
	}
	r.order = append(r.order, blob)
	r.confirmed[blob] = confirmed || r.confirmed[blob]
}

// find returns what is known of repo, or nil; the caller holds the lock.
func (p *Places) find(repo name.Repository) *repoBlobs {
	for _, r := range p.repos {
		if r.repo.Name() == repo.Name() {
			return r
		}
	}
	return nil
}

// claim waits until nobody else works on key, and takes it until release.
func (p *Places) claim(ctx context.Context, key string) (release func(), err error) {
	for {
		wait, release := p.take(key)
		if wait == nil {
			return release, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take takes key, or returns what to wait for.
func (p *Places) take(key string) (wait <-chan struct{}, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait, ok := p.busy[key]; ok {
		return wait, nil
	}
	if p.busy == nil {
		p.busy = map[string]chan struct{}{}
	}
	done := make(chan struct{})
	p.busy[key] = done
	return nil, func() {
		p.mu.Lock()
		delete(p.busy, key)
		p.mu.Unlock()
		close(done)
	}
}

// claimed tells whether somebody works on key.
func (p *Places) claimed(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.busy[key]
	return ok
}
