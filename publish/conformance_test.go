package publish

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func eachPlace(t *testing.T, test func(t *testing.T, p place)) {
	for _, kind := range slices.Sorted(maps.Keys(places(t))) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, places(t)[kind])
		})
	}
}

// put brings img to the sink step by step.
func put(ctx context.Context, s Sink, img v1.Image, tags ...string) (string, error) {
	layers, err := img.Layers()
	if err != nil {
		return "", err
	}
	for _, l := range layers {
		if _, err := s.PutLayer(ctx, l); err != nil {
			return "", err
		}
	}
	if _, err := s.Stage(ctx, OfImage(img)); err != nil {
		return "", err
	}
	return s.Commit(ctx, OfImage(img), tags)
}

func mustPut(t *testing.T, s Sink, img v1.Image, tags ...string) string {
	t.Helper()
	ref, err := put(t.Context(), s, img, tags...)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestSinkRoundTrip(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		img := testImage(t, testLayer(t, 1, 40_000), testLayer(t, 2, 300_000))
		s := p.sink()
		ref := mustPut(t, s, img, "v1", "latest")
		digest := digestOf(t, img).String()
		if want := s.Name() + "@" + digest; ref != want {
			t.Errorf("Commit = %q, want %q", ref, want)
		}
		if diff := cmp.Diff(map[string]string{"v1": digest, "latest": digest}, p.visible()); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
		got, err := p.image("v1")
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(got); err != nil {
			t.Error(err)
		}
		config, err := got.ConfigFile()
		if err != nil || config.OSVersion != "10.0.20348.2700" {
			t.Errorf("config = %+v, %v", config, err)
		}
		if l := p.litter(); len(l) > 0 {
			t.Errorf("left behind: %v", l)
		}
	})
}

func TestSinkShowsNothingBeforeCommit(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		img := testImage(t, testLayer(t, 1, 40_000))
		s := p.sink()
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.PutLayer(t.Context(), layers[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Stage(t.Context(), OfImage(img)); err != nil {
			t.Fatal(err)
		}
		if v := p.visible(); len(v) > 0 {
			t.Errorf("visible before Commit: %v", v)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if l := p.litter(); len(l) > 0 {
			t.Errorf("left behind by Close: %v", l)
		}
	})
}

func TestSinkRefusesBadBytes(t *testing.T) {
	t.Parallel()
	mismatched := func(is func(*MismatchError) bool) func(error) bool {
		return func(err error) bool {
			var mismatch *MismatchError
			return errors.As(err, &mismatch) && is(mismatch)
		}
	}
	for how, c := range map[string]struct {
		open func(io.ReadCloser) io.ReadCloser
		is   func(error) bool
	}{
		"fails midway": {failsMidway(100_000), func(err error) bool { return errors.Is(err, errMidLayer) }},
		"fails at 0":   {failsMidway(0), func(err error) bool { return errors.Is(err, errMidLayer) }},
		"flipped":      {flipped, mismatched(func(e *MismatchError) bool { return e.Got != "" })},
		"short":        {short, mismatched(func(e *MismatchError) bool { return e.GotSize == e.WantSize-1 })},
		"long":         {long, mismatched(func(e *MismatchError) bool { return e.GotSize > e.WantSize })},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			eachPlace(t, func(t *testing.T, p place) {
				good := testLayer(t, 2, 300_000)
				s := p.sink()
				_, err := put(t.Context(), s, testImage(t, brokenLayer{good, c.open}), "latest")
				if err == nil || !c.is(err) {
					t.Fatalf("put = %v", err)
				}
				if has, err := s.Has(t.Context(), digestOf(t, good)); has || err != nil {
					t.Errorf("Has of the broken blob = %v, %v", has, err)
				}
				if v := p.visible(); len(v) > 0 {
					t.Errorf("visible after a failure: %v", v)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if l := p.litter(); len(l) > 0 {
					t.Errorf("left behind: %v", l)
				}
				// The same sink, and the whole layer: now it must work.
				mustPut(t, s, testImage(t, good), "latest")
			})
		})
	}
}

func TestSinkHonoursCancellation(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("the user pressed Ctrl-C")
		cancelling := func(rc io.ReadCloser) io.ReadCloser {
			return struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(rc, 100_000), readerFunc(func(b []byte) (int, error) { cancel(stop); return rc.Read(b) }), rc), rc}
		}
		good := testLayer(t, 2, 600_000)
		s := p.sink()
		_, err := put(ctx, s, testImage(t, brokenLayer{good, cancelling}), "latest")
		if !errors.Is(err, stop) {
			t.Fatalf("put = %v, want the cause of the cancellation", err)
		}
		if has, err := p.sink().Has(t.Context(), digestOf(t, good)); has || err != nil {
			t.Errorf("Has = %v, %v", has, err)
		}
		if v := p.visible(); len(v) > 0 {
			t.Errorf("visible: %v", v)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if l := p.litter(); len(l) > 0 {
			t.Errorf("left behind: %v", l)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestSinkCommitsTwice(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		img := testImage(t, testLayer(t, 1, 40_000))
		s := p.sink()
		first := mustPut(t, s, img, "v1", "latest")
		before := p.visible()
		again, err := s.Commit(t.Context(), OfImage(img), []string{"v1", "latest"})
		if err != nil || again != first {
			t.Errorf("second Commit = %q, %v; want %q", again, err, first)
		}
		if third := mustPut(t, p.sink(), img, "v1", "latest"); third != first {
			t.Errorf("another run's Commit = %q, want %q", third, first)
		}
		if diff := cmp.Diff(before, p.visible()); diff != "" {
			t.Errorf("tags changed (-want +got):\n%s", diff)
		}
	})
}

func TestSinkKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		shared := testLayer(t, 1, 40_000)
		old := testImage(t, shared, testLayer(t, 2, 50_000))
		mustPut(t, p.sink(), old, "old", "latest")
		failing := testImage(t, shared, brokenLayer{testLayer(t, 3, 50_000), failsMidway(10)})
		s := p.sink()
		if _, err := put(t.Context(), s, failing, "latest"); !errors.Is(err, errMidLayer) {
			t.Fatalf("put = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		oldDigest := digestOf(t, old).String()
		if diff := cmp.Diff(map[string]string{"old": oldDigest, "latest": oldDigest}, p.visible()); diff != "" {
			t.Errorf("after a failed run (-want +got):\n%s", diff)
		}
		if !p.keeps {
			return
		}
		if put, err := s.PutLayer(t.Context(), brokenLayer{shared, failsMidway(0)}); err != nil || put.How != Exists || put.Bytes != 0 {
			t.Errorf("PutLayer of a present layer = %+v, %v: its bytes must not be opened", put, err)
		}
		next := testImage(t, shared, testLayer(t, 4, 50_000))
		mustPut(t, p.sink(), next, "latest")
		want := map[string]string{"old": oldDigest, "latest": digestOf(t, next).String()}
		if diff := cmp.Diff(want, p.visible()); diff != "" {
			t.Errorf("after the next run (-want +got):\n%s", diff)
		}
		for tag := range want {
			img, err := p.image(tag)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(img); err != nil {
				t.Errorf("%s: %v", tag, err)
			}
		}
	})
}

func TestSinkSkipsForeignLayers(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		base := foreignLayer("the licence keeps this at home")
		unreadable := brokenLayer{base, failsMidway(0)}
		s := p.sink()
		got, err := s.PutLayer(t.Context(), unreadable)
		if err != nil || got != (Put{How: Skipped}) {
			t.Errorf("PutLayer = %+v, %v; want it skipped", got, err)
		}
		img := testImage(t, unreadable, testLayer(t, 1, 40_000))
		mustPut(t, s, img, "latest")
		if has, err := s.Has(t.Context(), digestOf(t, base)); has || err != nil {
			t.Errorf("Has = %v, %v", has, err)
		}
		if got := p.visible()["latest"]; got != digestOf(t, img).String() {
			t.Errorf("latest = %s", got)
		}
	})
}

func TestSinkCheckLeavesNothing(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		s := p.sink()
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if v := p.visible(); len(v) > 0 {
			t.Errorf("visible: %v", v)
		}
		if l, ok := s.(*Layout); ok {
			if _, err := os.Stat(filepath.Dir(l.dir)); !os.IsNotExist(err) {
				t.Errorf("Check made %s", filepath.Dir(l.dir))
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
