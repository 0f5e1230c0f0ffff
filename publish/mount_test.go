package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// mountSources notes from where mounts are asked for.
func mountSources(rec *recorder) func() []string {
	var mu sync.Mutex
	var from []string
	rec.refuseWith(func(r *http.Request) (int, string) {
		if r.URL.Query().Has("mount") {
			mu.Lock()
			defer mu.Unlock()
			from = append(from, r.URL.Query().Get("from"))
		}
		return 0, ""
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return from
	}
}

func TestMountCandidates(t *testing.T) {
	t.Parallel()
	content := testLayer(t, 7, 10_000)
	for name, c := range map[string]struct {
		seen, told, own string // repositories with the blob, by who knows it
		want            []string
		how             How
	}{
		"this run's first":      {seen: "seen", told: "told", own: "own", want: []string{"seen"}, how: Mounted},
		"then the layer's own":  {told: "told", own: "own", want: []string{"own"}, how: Mounted},
		"then what was told":    {told: "told", want: []string{"told"}, how: Mounted},
		"none":                  {how: Uploaded},
		"not from itself":       {own: "app", how: Uploaded},
		"what was told is gone": {told: "gone", want: []string{"gone"}, how: Uploaded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			digest := digestOf(t, content)
			places := NewPlaces()
			for _, repo := range []string{c.seen, c.told, c.own} {
				if repo != "" && repo != "gone" && repo != "app" {
					rec.blobs[repo+" "+digest.String()] = true
				}
			}
			layer := content
			if c.seen != "" {
				places.confirm(mustRepo(t, host+"/"+c.seen), digest)
			}
			if c.told != "" {
				places.Add(mustRepo(t, host+"/"+c.told), digest)
			}
			if c.own != "" {
				layer = &remote.MountableLayer{Layer: content, Reference: mustRepo(t, host+"/"+c.own).Tag("base")}
			}
			from := mountSources(rec)
			s := newTestRegistry(t, host+"/app", RegistryOptions{Places: places})
			put, err := s.PutLayer(t.Context(), layer)
			if err != nil || put.How != c.how {
				t.Errorf("PutLayer = %+v, %v; want %s", put, err, c.how)
			}
			if diff := cmp.Diff(c.want, from()); diff != "" {
				t.Errorf("asked to mount from (-want +got):\n%s", diff)
			}
			if !places.isConfirmed(s.repo, digest) {
				t.Error("the blob does not count as there")
			}
			if c.told == "gone" && places.Has(mustRepo(t, host+"/gone"), digest) {
				t.Error("a blob that cannot be mounted still counts as there")
			}
		})
	}
}

// A mount that is refused becomes an upload, in whatever way it is refused, and
// the same source is not asked again.
func TestRefusedMounts(t *testing.T) {
	t.Parallel()
	for status, asked := range map[int]int{202: 2, 400: 1, 401: 1, 403: 1, 404: 1, 405: 1, 500: 3} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			rec.refuseWith(func(r *http.Request) (int, string) {
				if status != http.StatusAccepted && r.URL.Query().Has("mount") {
					return status, "REFUSED"
				}
				return 0, ""
			})
			a, b := testLayer(t, 1, 10_000), testLayer(t, 2, 10_000)
			places := NewPlaces()
			places.Add(mustRepo(t, host+"/base"), digestOf(t, a), digestOf(t, b))
			s := newTestRegistry(t, host+"/app", RegistryOptions{Places: places})
			for _, l := range []v1.Layer{a, b} {
				size, _ := l.Size()
				if put, err := s.PutLayer(t.Context(), l); err != nil || put != (Put{How: Uploaded, Bytes: size}) {
					t.Errorf("PutLayer = %+v, %v; want it uploaded", put, err)
				}
			}
			var mounts, posts int
			for _, q := range rec.take("POST ") {
				posts++
				if strings.HasSuffix(q, " mount") {
					mounts++
				}
			}
			if mounts != asked {
				t.Errorf("asked to mount %d times, want %d", mounts, asked)
			}
			if want := asked + 2 - map[bool]int{true: 2}[status == http.StatusAccepted]; posts != want {
				t.Errorf("%d POSTs, want %d: the upload that a registry begins instead is used", posts, want)
			}
		})
	}
}

// An upload that the registry began in a mount's stead is used for one try.
func TestUploadsInsteadOfMountsAreTriedAgain(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	troubled(rec, 1, blobPut, answers(http.StatusInternalServerError))
	layer := testLayer(t, 1, 10_000)
	places := NewPlaces()
	places.Add(mustRepo(t, host+"/base"), digestOf(t, layer))
	put, err := newTestRegistry(t, host+"/app", RegistryOptions{Places: places}).PutLayer(t.Context(), layer)
	if err != nil || put.How != Uploaded {
		t.Errorf("PutLayer = %+v, %v", put, err)
	}
	if diff := cmp.Diff([]string{"POST mount", "POST upload"}, kinds(rec.take("POST "))); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// What an earlier run saw is asked for, and forgotten where it is gone.
func TestToldBlobsAreAskedFor(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	there, gone := testLayer(t, 1, 1000), testLayer(t, 2, 1000)
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), testImage(t, there), "v1")
	rec.take("")
	places := NewPlaces()
	s := newTestRegistry(t, host+"/app", RegistryOptions{Places: places})
	places.Add(s.repo, digestOf(t, there), digestOf(t, gone))
	for layer, want := range map[v1.Layer]bool{there: true, gone: false} {
		has, err := s.Has(t.Context(), digestOf(t, layer))
		if has != want || err != nil || places.Has(s.repo, digestOf(t, layer)) != want {
			t.Errorf("Has = %v, %v; want %v, and Places to know", has, err, want)
		}
	}
	if n := len(rec.take("HEAD ")); n != 2 {
		t.Errorf("%d blobs were asked for", n)
	}
}

// scopes is a token server that knows rights, before a registry that minds them.
type scopes struct {
	host    string
	granted func(scope string) bool
	strict  bool // refuses the whole token rather than granting less

	mu      sync.Mutex
	tokens  int
	expired int // tokens up to this one are good no more
}

// expire ends the life of all tokens so far.
func (s *scopes) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expired = s.tokens
}

// rights returns what the token of the request allows.
func (s *scopes) rights(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, rights, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "|")
	if n, err := strconv.Atoi(number); err != nil || n <= s.expired {
		return ""
	}
	return rights
}

func (s *scopes) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			s.token(w, r.URL.Query()["scope"])
			return
		}
		wanted := []string{"repository:app:push,pull"}
		if from := r.URL.Query().Get("from"); from != "" {
			wanted = append(wanted, "repository:"+from+":pull")
		}
		have := s.rights(r)
		for _, scope := range wanted {
			if !strings.Contains(" "+have+" ", " "+scope+" ") {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test",scope="%s"`, s.host, strings.Join(wanted, " ")))
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *scopes) token(w http.ResponseWriter, wanted []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens++
	var granted []string
	for _, scope := range strings.Fields(strings.Join(wanted, " ")) {
		if s.granted(scope) {
			granted = append(granted, scope)
		} else if s.strict {
			w.WriteHeader(http.StatusForbidden)
			return
		}
	}
	fmt.Fprintf(w, `{"token":"%d|%s"}`, s.tokens, strings.Join(granted, " "))
}

func TestMountsAskForRights(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		private, strict bool
		how             How
	}{
		"granted":       {how: Mounted},
		"silently less": {private: true, how: Uploaded},
		"token refused": {private: true, strict: true, how: Uploaded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, rec := newServer(t)
			tokens := &scopes{host: host, strict: c.strict, granted: func(scope string) bool { return !c.private || !strings.Contains(scope, ":base:") }}
			inner := rec.next
			rec.next = tokens.front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("mount") {
					w.WriteHeader(http.StatusCreated)
					return
				}
				inner.ServeHTTP(w, r)
			}))
			rec.blobs = nil // the front answers nothing itself: each request needs a token
			places := NewPlaces()
			layer, next := testLayer(t, 1, 10_000), testLayer(t, 2, 10_000)
			places.Add(mustRepo(t, host+"/base"), digestOf(t, layer))
			s := newTestRegistry(t, host+"/app", RegistryOptions{Places: places})
			if put, err := s.PutLayer(t.Context(), layer); err != nil || put.How != c.how {
				t.Errorf("PutLayer = %+v, %v; want %s", put, err, c.how)
			}
			tokens.expire() // the rights that the mount wanted must not be asked for again
			if put, err := s.PutLayer(t.Context(), next); err != nil || put.How != Uploaded {
				t.Errorf("the next PutLayer = %+v, %v", put, err)
			}
		})
	}
}

// A token that expires just when a body is sent costs one try, not the push.
func TestUploadsSurviveExpiredTokens(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	tokens := &scopes{host: host, granted: func(string) bool { return true }}
	rec.blobs = nil
	rec.next = tokens.front(rec.next)
	for _, is := range []func(*http.Request) bool{blobPut, manifestPut} {
		troubled(rec, 1, is, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, host))
			w.WriteHeader(http.StatusUnauthorized)
		})
	}
	mustPut(t, newTestRegistry(t, host+"/app", RegistryOptions{}), testImage(t, testLayer(t, 1, 3_000_000)), "v1")
	if tokens.tokens != 3 {
		t.Errorf("%d tokens were asked for, want 3", tokens.tokens)
	}
}

func TestSinksSendABlobOnce(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	other, otherRec := newServer(t)
	places := NewPlaces()
	var sinks []Sink
	for _, repo := range []string{host + "/a", host + "/b", host + "/c", other + "/a"} {
		sinks = append(sinks, newTestRegistry(t, repo, RegistryOptions{Places: places}))
	}
	img := testImage(t, testLayer(t, 1, 400_000), testLayer(t, 2, 300_000))
	var mu sync.Mutex
	hows := map[How]int{}
	report := func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == LayerFinished {
			hows[e.How]++
		}
	}
	var wg sync.WaitGroup
	for _, s := range sinks {
		wg.Go(func() {
			if _, err := Push(t.Context(), img, []Sink{s}, []string{"v1"}, PushOptions{Report: report}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[How]int{Uploaded: 4, Mounted: 4}, hows); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	for r, want := range map[*recorder]int{rec: 3, otherRec: 3} { // two layers and the config
		var puts int
		for _, q := range r.take("PUT ") {
			if strings.Contains(q, "/blobs/") {
				puts++
			}
		}
		if puts != want {
			t.Errorf("%d blobs were sent, want %d", puts, want)
		}
	}
	for _, s := range sinks {
		repo := s.(*Registry).repo
		if n := len(places.Blobs(repo)); n != 3 {
			t.Errorf("%d blobs are known of %s, want 3", n, repo)
		}
	}
}

// Whoever waits for another's upload that fails sends the blob itself, and whoever
// is told to stop waiting stops.
func TestSinksWaitForEachOther(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	started, release := make(chan struct{}), make(chan struct{})
	troubled(rec, 1, blobPut, func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		w.WriteHeader(http.StatusUnauthorized)
	})
	places := NewPlaces()
	sink := func(repo string) *Registry {
		return newTestRegistry(t, host+"/"+repo, RegistryOptions{Places: places})
	}
	layer := testLayer(t, 1, 1000)
	first, waiting := make(chan error), make(chan error)
	go func() { first <- second(sink("a").PutLayer(t.Context(), layer)) }()
	<-started
	go func() { waiting <- second(sink("b").PutLayer(t.Context(), layer)) }()
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	for _, repo := range []string{"a", "c"} {
		if _, err := sink(repo).PutLayer(ctx, layer); !errors.Is(err, stop) {
			t.Errorf("%s: PutLayer = %v, want the cause of the cancellation", repo, err)
		}
	}
	close(release)
	if err := <-first; err == nil {
		t.Error("the first upload was refused, and PutLayer says it worked")
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	if !places.isConfirmed(mustRepo(t, host+"/b"), digestOf(t, layer)) || places.Has(mustRepo(t, host+"/a"), digestOf(t, layer)) {
		t.Error("what became of the blob is not known rightly")
	}
}
