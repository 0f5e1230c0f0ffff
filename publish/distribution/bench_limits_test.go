package distribution_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// The rows of the bench are worth something only where a client that tries once
// fails.
func TestBenchBites(t *testing.T) {
	t.Parallel()
	certificate()
	for _, r := range rows() {
		if r.calm {
			continue
		}
		t.Run(testName(r), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(5) {
				var o outcome
				synctest.Test(t, func(t *testing.T) {
					o = bedInMemory(r).run(t.Context(), seed+1, distribution.Policy{Tries: 1, FirstTries: 1})
				})
				if errors.Is(o.err, errWrong) {
					t.Errorf("seed %d: %v", seed+1, o.err)
				}
				if o.err != nil {
					return
				}
			}
			t.Error("a client that tries once gets through")
		})
	}
}

// Faults that never end become an error that says what was done to which repository,
// in time, with the tag where it was.
func TestEndlessFaults(t *testing.T) {
	t.Parallel()
	certificate()
	putManifest := func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/manifests/") && r.Method == http.MethodPut
	}
	places := map[string]func(*http.Request) bool{
		"uploads": uploadBody, "manifests": putManifest,
		"reading manifests": manifestContent, "reading blobs": and(content, not(manifestContent)),
	}
	if raced { // the rest shows nothing new to it
		maps.DeleteFunc(places, func(where string, _ func(*http.Request) bool) bool { return where != "uploads" })
	}
	for _, r := range rows() {
		if r.calm {
			continue
		}
		for where, hits := range places {
			t.Run(testName(r)+", "+where, func(t *testing.T) {
				t.Parallel()
				var o outcome
				synctest.Test(t, func(t *testing.T) {
					b := bedInMemory(endless(r, hits))
					o = b.run(t.Context(), 1, distribution.Policy{})
				})
				checkEndless(t, o)
			})
		}
	}
}

// endless has the faults of a row strike always, where hits is true.
func endless(r row, hits func(*http.Request) bool) row {
	with := r.faults
	r.rate, r.limit = 1, 1<<30
	r.faults = func(s *sessions) []fault {
		all := slices.Clone(with(s))
		for i := range all {
			all[i].hits = and(all[i].hits, hits)
		}
		return all
	}
	return r
}

func checkEndless(t *testing.T, o outcome) {
	t.Helper()
	if o.err == nil {
		if n := len(o.strokes); n > 0 && !slices.ContainsFunc(o.strokes, harmless) {
			t.Errorf("got through %d faults that never end:\n%s\t%s", n, strokesText(o.strokes), strings.Join(o.notices, "\n\t"))
		}
		return // else the row has no fault for these requests
	}
	var said *distribution.Error
	if !errors.As(o.err, &said) {
		t.Fatalf("%v is no Error", o.err)
	}
	if lines := strings.Count(said.Error(), "\n") + 1; lines > 4 {
		t.Errorf("%d lines: %v", lines, said)
	}
	if !strings.Contains(said.Error(), "/app: ") {
		t.Errorf("%v does not name the repository", said)
	}
	moved := errors.Is(o.err, errMoved) && !slices.ContainsFunc(o.strokes, tagDone)
	if moved || errors.Is(o.err, errWrong) || errors.Is(o.err, errComplaint) {
		t.Error(o.err)
	}
	// No try begins after the total time, and one may wait for its answer. The push
	// has three stages of which each could take so long, and so has the pull.
	if most := 3 * (15*time.Minute + defaults.answer); o.elapsed > most {
		t.Errorf("took %s, more than %s", o.elapsed, most)
	}
}

// harmless tells whether a client can have what it wants although it was struck.
func harmless(s stroke) bool {
	return slices.Contains([]string{
		answerLost().name, dripIn().name, dripOut().name, goAway().name, goAwayAtOnce().name,
		noAnswer(true, anyRequest).name, wrongRange().name, wrongOffset().name,
	}, s.fault)
}

// tagDone tells whether the tag was moved, and the answer got lost: that is all that
// can be known of it then.
func tagDone(s stroke) bool {
	return s.key == "PUT /v2/app/manifests/"+tag && (s.fault == answerLost().name || s.fault == noAnswer(true, anyRequest).name)
}

// A context that ends stops everything at once, whatever is waited for.
func TestCancelledAtAnyMoment(t *testing.T) {
	t.Parallel()
	certificate()
	moments := []time.Duration{0, 300 * time.Millisecond, 2 * time.Second, 45 * time.Second, 5 * time.Minute}
	if raced {
		moments = moments[2:3]
	}
	for _, r := range rows() {
		t.Run(testName(r), func(t *testing.T) {
			t.Parallel()
			for i, after := range moments {
				synctest.Test(t, func(t *testing.T) { cancelled(t, r, uint64(i), after) })
			}
		})
	}
}

var errStop = errors.New("the user wants to stop")

func cancelled(t *testing.T, r row, seed uint64, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer time.AfterFunc(after, func() { cancel(errStop) }).Stop()
	o := bedInMemory(r).run(ctx, seed, distribution.Policy{})
	switch {
	case o.err == nil && o.elapsed <= after:
	case errors.Is(o.err, errStop) && o.elapsed == after && !errors.Is(o.err, errWrong) && !errors.Is(o.err, errComplaint):
	default:
		t.Errorf("stopped after %s, ended after %s: %v\n%s", after, o.elapsed, o.err, fmt.Sprint(o.notices))
	}
}

// Nexus answers 400 to a wrong password.
func TestUnauthorizedBy400(t *testing.T) {
	t.Parallel()
	refusing := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if question(r) {
				next.ServeHTTP(w, r)
				return
			}
			answer{http.StatusBadRequest, `{"errors":[{"code":"UNAUTHORIZED","message":"access to the requested resource is not authorized"}]}`, nil}.write(w)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		b := bedInMemory(row{faults: these(), habits: []habit{refusing}, password: true})
		if o := b.run(t.Context(), 1, distribution.Policy{}); !distribution.Unauthorized.In(o.err) || errors.Is(o.err, errMoved) || o.elapsed > 0 {
			t.Errorf("after %s: %v", o.elapsed, o.err)
		}
	})
}
