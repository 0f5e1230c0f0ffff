package publish

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// interrupted has do run before one of the requests after the first that is, and
// returns what tells which that was; "" if there were not so many.
func interrupted(rec *recorder, is string, after int, do func(request string)) (met func() string) {
	var mu sync.Mutex
	inner, since, hit := rec.next, -1, ""
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := r.Method + " " + r.URL.Path
		mu.Lock()
		now := since == after && hit == ""
		if now {
			hit = request
		}
		if since >= 0 || request == is {
			since++
		}
		mu.Unlock()
		if now {
			do(request)
		}
		inner.ServeHTTP(w, r)
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return hit
	}
}

const (
	getBoth = "GET /v2/app/manifests/both"
	putBoth = "PUT /v2/app/manifests/both"
)

// merges pushes the children into the index under both.
func merges(t *testing.T, repo string, children []Child) error {
	t.Helper()
	_, err := PushContent(t.Context(), mergeOf(t, children), []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"both"}, PushOptions{})
	return err
}

// A run that comes and goes between any two requests of another, from when that has
// read the tag, keeps its entries, and so does the other. Only between the last look
// at the tag and the move it cannot be found.
func TestMergesSideBySide(t *testing.T) {
	t.Parallel()
	all := threeBuilds(t, testLayer(t, 1, 4000))
	want := []string{"linux/amd64", "windows/amd64 10.0.17763", "windows/amd64 10.0.20348", "windows/amd64 10.0.26100"}
	var meetings []string
	for after := 0; ; after++ {
		host, rec := newServer(t)
		repo := host + "/app"
		linuxIndex(t, repo, "both")
		met := interrupted(rec, getBoth, after, func(request string) {
			if request == putBoth {
				return
			}
			if err := merges(t, repo, all[:1]); err != nil {
				t.Errorf("the other run, before %s: %v", request, err)
			}
		})
		if err := merges(t, repo, all[1:]); err != nil {
			t.Errorf("before %s: %v", met(), err)
		}
		if met() == "" {
			break
		}
		meetings = append(meetings, met())
		if got := slices.Sorted(slices.Values(platformsOf(t, repo, "both"))); met() != putBoth && !slices.Equal(got, want) {
			t.Errorf("another run before %s: the tag offers %q", met(), got)
		}
	}
	if n := len(meetings); n < 4 || !slices.Equal(meetings[n-3:], []string{"HEAD /v2/app/manifests/both", putBoth, "HEAD /v2/app/manifests/both"}) {
		t.Errorf("the requests were %q", meetings)
	}
}

// Who moves the tag back takes nothing from a run that merged in the meantime.
func TestMergeRefusedAfterAnother(t *testing.T) {
	t.Parallel()
	host, rec := newServer(t)
	repo := host + "/app"
	linuxIndex(t, repo, "both", "last")
	all := threeBuilds(t, testLayer(t, 1, 4000))
	refusesTag(rec, "last", http.StatusForbidden, "DENIED")
	met := interrupted(rec, putBoth, 0, func(string) {
		if err := merges(t, repo, all[:1]); err != nil {
			t.Error(err)
		}
	})
	_, err := PushContent(t.Context(), mergeOf(t, all[1:]), []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"both", "last"}, PushOptions{})
	var tag *TagError
	if !errors.As(err, &tag) || tag.Failed != "last" || !slices.Contains(tag.Moved, "both") || len(tag.Back) > 0 || met() == "" {
		t.Errorf("Push = %v, after another before %q", err, met())
	}
	if got := platformsOf(t, repo, "both"); !slices.Contains(got, "windows/amd64 10.0.26100") {
		t.Errorf("the tag offers %q", got)
	}
}

// lagging answers HEADs of the tag with what it named before, for some times after it
// was moved.
func lagging(rec *recorder, tag string, before v1.Hash, times int) (puts *int) {
	inner := rec.next
	puts = new(int)
	rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/manifests/"+tag) {
			switch {
			case r.Method == http.MethodPut:
				*puts++
			case r.Method == http.MethodHead && *puts > 0 && times > 0:
				times--
				if before == (v1.Hash{}) {
					w.WriteHeader(http.StatusNotFound)
				}
				w.Header().Set("Docker-Content-Digest", before.String())
				return
			}
		}
		inner.ServeHTTP(w, r)
	})
	return puts
}

// A registry that does not show at once what it got is no other run. One that never
// shows it is an error, which says that the tag was moved.
func TestMergeIntoARegistryThatLags(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"both", "new"} {
		for _, times := range []int{2, 100} {
			host, rec := newServer(t)
			repo := host + "/app"
			linuxIndex(t, repo, "both")
			puts := lagging(rec, tag, headOf(t, newTestRegistry(t, repo, RegistryOptions{}), tag), times)
			_, err := PushContent(t.Context(), mergeOf(t, threeBuilds(t, testLayer(t, 1, 4000))), []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{tag}, PushOptions{})
			var failed *TagError
			says := errors.As(err, &failed) && failed.Failed == tag && slices.Contains(failed.Moved, tag) && strings.Contains(err.Error(), "does not show it yet")
			if *puts != 1 || times == 2 && err != nil || times == 100 && !says {
				t.Errorf("%s is shown after %d: %d PUTs, %v", tag, times, *puts, err)
			}
		}
	}
}

// A look that fails before the move leaves everything where it was; one that fails
// after it does not hide that the tag was moved.
func TestMergeLooksThatFail(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		host, rec := newServer(t)
		repo := host + "/app"
		linuxIndex(t, repo, "both")
		before := headOf(t, newTestRegistry(t, repo, RegistryOptions{}), "both")
		inner, put := rec.next, false
		rec.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/manifests/both") && put == after {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			if r.Method+" "+r.URL.Path == putBoth {
				put = true
			}
			inner.ServeHTTP(w, r)
		})
		err := merges(t, repo, threeBuilds(t, testLayer(t, 1, 4000)))
		rec.next = inner
		var tag *TagError
		if !errors.As(err, &tag) || tag.Failed != "both" || slices.Contains(tag.Moved, "both") != after || put != after {
			t.Errorf("after the move: %v; %v", after, err)
		}
		if moved := headOf(t, newTestRegistry(t, repo, RegistryOptions{}), "both") != before; moved != after {
			t.Errorf("after the move: %v; the tag moved: %v", after, moved)
		}
	}
}

// Nothing under a tag where something was seen is no reason to make a new index.
func TestMergeOntoWhatIsGone(t *testing.T) {
	t.Parallel()
	children := threeBuilds(t, testLayer(t, 1, 4000))
	for name, c := range map[string]struct {
		seen v1.Hash
		gone bool
	}{
		"something": {digestOf(t, children[0].Image), true},
		"nothing":   {v1.Hash{}, false},
	} {
		host, rec := newServer(t)
		repo := host + "/app"
		_, err := PushContent(t.Context(), mergeOf(t, children).Onto(c.seen), []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"both"}, PushOptions{})
		var tag *TagError
		if errors.As(err, &tag) != c.gone || c.gone != (err != nil) || c.gone && (!strings.Contains(err.Error(), "a moment ago") || !distribution.NotFound.In(err)) {
			t.Errorf("%s was seen: Push = %v", name, err)
		}
		if puts := rec.take(putBoth); len(puts) > 0 == c.gone {
			t.Errorf("%s was seen: %q", name, puts)
		}
	}
}

// What a first round moved is told when a second one fails, whatever the reason.
func TestMergeFailsInTheSecondRound(t *testing.T) {
	t.Parallel()
	for status, words := range map[int]string{http.StatusForbidden: "403", http.StatusNotFound: "a moment ago"} {
		host, rec := newServer(t)
		repo := host + "/app"
		linuxIndex(t, repo, "both")
		all := threeBuilds(t, testLayer(t, 1, 4000))
		// Another moves the tag right after us, and then it cannot be read again.
		meddler(t, rec, 1, func(int) {
			mustPut(t, newTestRegistry(t, repo, RegistryOptions{}), all[0].Image, "both")
			rec.refuseWith(func(r *http.Request) (int, string) {
				if r.Method+" "+r.URL.Path == getBoth {
					return status, "DENIED"
				}
				return 0, ""
			})
		})
		_, err := PushContent(t.Context(), mergeOf(t, all), []Sink{newTestRegistry(t, repo, RegistryOptions{})}, []string{"both", "calm"}, PushOptions{})
		var tag *TagError
		if !errors.As(err, &tag) || tag.Failed != "both" || !slices.Contains(tag.Moved, "calm") || slices.Contains(tag.Moved, "both") || !strings.Contains(err.Error(), words) {
			t.Errorf("%d: Push = %v", status, err)
		}
	}
}
