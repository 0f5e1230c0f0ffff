package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func blobNamed(n int) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", n)}
}

func TestPlacesKnowWhatTheyWereTold(t *testing.T) {
	t.Parallel()
	a, b, c := blobNamed(1), blobNamed(2), blobNamed(3)
	app, lib := mustRepo(t, "localhost:5000/app"), mustRepo(t, "localhost:5000/lib")
	var p Places // the zero value works
	if p.Has(app, a) || p.isConfirmed(app, a) || p.Blobs(app) != nil {
		t.Error("an empty Places knows something")
	}
	p.Add(app, a, b, c)
	p.confirm(app, b)
	p.Add(app, a, b) // told again: newest, and still confirmed
	if diff := cmp.Diff([]v1.Hash{c, a, b}, p.Blobs(app)); diff != "" {
		t.Errorf("Blobs (-want +got):\n%s", diff)
	}
	p.forget(app, b) // this run saw it
	p.forget(app, c)
	for blob, want := range map[v1.Hash][2]bool{a: {true, false}, b: {true, true}, c: {false, false}} {
		if got := [2]bool{p.Has(app, blob), p.isConfirmed(app, blob)}; got != want {
			t.Errorf("%s: Has and Confirmed = %v, want %v", blob, got, want)
		}
		if p.Has(lib, blob) {
			t.Errorf("%s is known in another repository", blob)
		}
	}
	p.Blobs(app)[0] = c // a copy
	if diff := cmp.Diff([]v1.Hash{a, b}, p.Blobs(app)); diff != "" {
		t.Errorf("Blobs after forgetting (-want +got):\n%s", diff)
	}
}

func TestPlacesElsewhere(t *testing.T) {
	t.Parallel()
	blob := blobNamed(1)
	app := mustRepo(t, "localhost:5000/app")
	p := NewPlaces()
	p.Add(mustRepo(t, "localhost:5000/told"), blob)
	p.Add(mustRepo(t, "localhost:5000/other"), blobNamed(2))
	p.confirm(mustRepo(t, "localhost:5000/seen"), blob)
	p.confirm(mustRepo(t, "localhost:6000/seen"), blob)
	p.confirm(app, blob)
	for confirmed, want := range map[bool]string{true: "localhost:5000/seen", false: "localhost:5000/told"} {
		var got []string
		for _, r := range p.elsewhere(app, blob, confirmed) {
			got = append(got, r.Name())
		}
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("confirmed=%v (-want +got):\n%s", confirmed, diff)
		}
	}
}

func TestPlacesClaim(t *testing.T) {
	t.Parallel()
	p := NewPlaces()
	var together, most int
	var mu sync.Mutex
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		together += n
		most = max(most, together)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			release, err := p.claim(t.Context(), "key")
			if err != nil {
				t.Error(err)
				return
			}
			count(1)
			p.Add(name.Repository{}, blobNamed(1)) // lets others run
			count(-1)
			release()
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d held the claim together", most)
	}
	release, err := p.claim(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := p.claim(ctx, "key"); !errors.Is(err, stop) {
		t.Errorf("claim of what is taken = %v, want the cause of the cancellation", err)
	}
	if !p.claimed("key") {
		t.Error("the claim was lost")
	}
	release()
	if p.claimed("key") {
		t.Error("the claim was not released")
	}
}
