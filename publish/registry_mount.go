package publish

import (
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// source returns the repository of the same registry that the blob is most surely
// mountable from: one where this run saw it, the one it comes from, or one where
// an earlier run saw it.
func (r *Registry) source(layer v1.Layer, blob v1.Hash) (name.Repository, bool) {
	candidates := r.o.Places.elsewhere(r.repo, blob, true)
	if ml, ok := layer.(*remote.MountableLayer); ok {
		candidates = append(candidates, ml.Reference.Context())
	}
	candidates = append(candidates, r.o.Places.elsewhere(r.repo, blob, false)...)
	for _, c := range candidates {
		if c.RegistryStr() == r.repo.RegistryStr() && c.Name() != r.repo.Name() && !r.refuses(c) {
			return c, true
		}
	}
	return name.Repository{}, false
}

// refuse notes that asking for a mount from that repository is in vain.
func (r *Registry) refuse(from name.Repository) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[from.Name()] = true
}

func (r *Registry) refuses(from name.Repository) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused[from.Name()]
}
