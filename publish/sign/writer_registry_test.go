//go:build !nosign

package sign

import (
	"net/http"
	"sync"
)

// groundRegistry is a registry whose answers a test changes.
type groundRegistry struct {
	http.Handler

	mu     sync.Mutex
	change func(w http.ResponseWriter, req *http.Request) (done bool)
	puts   []string // paths of manifests that were put
}

func (r *groundRegistry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	change := r.change
	if req.Method == http.MethodPut {
		r.puts = append(r.puts, req.URL.Path)
	}
	r.mu.Unlock()
	if change == nil || !change(w, req) {
		r.Handler.ServeHTTP(w, req)
	}
}

// behave changes the answers from now on.
func (r *groundRegistry) behave(change func(w http.ResponseWriter, req *http.Request) (done bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.change = change
}

func (r *groundRegistry) put() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.puts
}
