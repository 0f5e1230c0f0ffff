// Package distribution speaks the protocol of container registries: the one place
// through which every request to a registry goes, for pulling and for pushing. It
// tries again what may succeed, resumes what was cut, checks every byte that comes
// in, and says what to do about the rest.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
package distribution

import (
	"net/http"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// NetworkOptions are the choices for a [Network]; the zero value works.
type NetworkOptions struct {
	// Transport carries the requests: TLS, proxies and the pool of connections. Nil
	// means a plain one without a proxy.
	Transport http.RoundTripper
	// PlainHTTP tells to which hosts, ports included, http may be spoken; nil means
	// [Loopback].
	PlainHTTP func(host string) bool
	// UserAgent is sent with each request.
	UserAgent string
	// Policy says how long to wait and how often to try; its zero fields take
	// their defaults.
	Policy Policy
	// Notice is told of waits and new tries, one short sentence each; may be nil.
	Notice func(message string)
	// Secrets learns what must never be shown, such as tokens; may be nil.
	Secrets *Secrets
	// ChunkSize is the largest body of one upload request, in bytes. Zero sends each
	// blob in one request, until a host refuses that as too large.
	ChunkSize int64
}

// Network is the way to all registries of a run. It is shared, because what was
// learnt of a host is of use to all repositories there. It is safe for concurrent
// use.
type Network struct {
	o      NetworkOptions
	policy Policy
	way    *guard
	client *http.Client

	mu    sync.Mutex
	hosts map[string]*host
}

// host is what a run has learnt of one.
type host struct {
	mu     sync.Mutex
	alive  bool   // it has answered, whatever it was
	scheme string // "" before a handshake
	chunk  int64  // largest body it takes in one request; 0 is any
	whole  bool   // it takes no chunks
}

// NewNetwork returns a Network. Nothing is asked of anybody yet.
func NewNetwork(o NetworkOptions) *Network {
	if o.Transport == nil {
		o.Transport = &http.Transport{ForceAttemptHTTP2: true}
	}
	if o.PlainHTTP == nil {
		o.PlainHTTP = Loopback
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Secrets == nil {
		o.Secrets = new(Secrets)
	}
	n := &Network{o: o, policy: o.Policy.withDefaults(), hosts: map[string]*host{}}
	n.way = newGuard(o.Transport, o.PlainHTTP)
	n.client = &http.Client{
		Transport:     agent{n.way, o.UserAgent},
		CheckRedirect: checkRedirect,
	}
	return n
}

// agent says who sends a request.
type agent struct {
	next http.RoundTripper
	name string
}

func (a agent) RoundTrip(req *http.Request) (*http.Response, error) {
	if a.name != "" {
		req = req.Clone(req.Context()) // a RoundTripper must not change what it was given
		req.Header.Set("User-Agent", a.name)
	}
	return a.next.RoundTrip(req)
}

// host returns what is known of a host, ports included.
func (n *Network) host(address string) *host {
	n.mu.Lock()
	defer n.mu.Unlock()
	h, ok := n.hosts[address]
	if !ok {
		h = &host{chunk: n.o.ChunkSize}
		n.hosts[address] = h
	}
	return h
}

// answered tells whether the host ever did.
func (h *host) answered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.alive
}

func (h *host) answers() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alive = true
}

// Rights are what a token is asked for.
type Rights int

// The rights.
const (
	Pull Rights = iota
	Push        // and pull
)

// Repository is one of a registry, with one handshake for all requests. It is safe
// for concurrent use.
type Repository struct {
	name     name.Repository
	net      *Network
	host     *host
	rights   Rights
	access   *access
	recorded bool // the user did not name it

	mu     sync.Mutex
	mounts map[string]*access // by the repository that is mounted from
}

// Repository returns the one of that name. Nothing is asked of the registry yet.
// The keychain finds the credentials; nil means none.
func (n *Network) Repository(repo name.Repository, keychain authn.Keychain, rights Rights) *Repository {
	n.Name(repo.RegistryStr())
	return n.repository(repo, keychain, rights)
}

// Recorded is as Repository for a name that no user gave but something that was read,
// such as the label of an image, which may say what it likes. Nobody is asked where
// its host is this machine or in a private network, unless the user named that too.
func (n *Network) Recorded(repo name.Repository, keychain authn.Keychain, rights Rights) *Repository {
	r := n.repository(repo, keychain, rights)
	r.recorded = true
	return r
}

// Name says that the user named a host, which then may have any address.
func (n *Network) Name(host string) { n.way.name(host) }

func (n *Network) repository(repo name.Repository, keychain authn.Keychain, rights Rights) *Repository {
	if keychain == nil {
		keychain = authn.NewMultiKeychain()
	}
	r := &Repository{name: repo, net: n, host: n.host(repo.RegistryStr()), rights: rights, mounts: map[string]*access{}}
	r.access = newAccess(r, keychain, r.scope())
	return r
}

// behalf is the registry for which requests are made: one that may have us go where it
// is itself; "" for one that the user did not name.
func (r *Repository) behalf() string {
	if r.recorded {
		return ""
	}
	return r.name.RegistryStr()
}

// scope is what a token must be good for.
//
// https://distribution.github.io/distribution/spec/auth/scope/
func (r *Repository) scope() string {
	if r.rights == Push {
		return "repository:" + r.name.RepositoryStr() + ":push,pull"
	}
	return pullScope(r.name)
}

func pullScope(repo name.Repository) string { return "repository:" + repo.RepositoryStr() + ":pull" }

// Name returns the name of the repository.
func (r *Repository) Name() name.Repository { return r.name }
