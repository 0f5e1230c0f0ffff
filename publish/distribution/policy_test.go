package distribution

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
)

// recordedSleep notes the pauses and takes none.
type recordedSleep struct{ pauses []time.Duration }

func (s *recordedSleep) sleep(ctx context.Context, d time.Duration) error {
	s.pauses = append(s.pauses, d)
	return context.Cause(ctx)
}

func middle() float64 { return 0.5 }

// stubborn answers every request but the handshake by f.
func stubborn(t *testing.T, f http.HandlerFunc) name.Repository {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			f(w, r)
		}
	}))
	t.Cleanup(server.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/app")
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// TestPauses: they double up to their limit, give way to what the registry asks for,
// and end with the tries or with a wait that nobody has time for.
func TestPauses(t *testing.T) {
	t.Parallel()
	ms := func(all ...int) (pauses []time.Duration) {
		for _, n := range all {
			pauses = append(pauses, time.Duration(n)*time.Millisecond)
		}
		return pauses
	}
	date := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for what, c := range map[string]struct {
		policy Policy
		status int
		header http.Header
		want   []time.Duration
		says   string
	}{
		"default":             {Policy{}, 503, nil, ms(500, 1000, 2000, 4000, 8000), "503"},
		"limited":             {Policy{Tries: 9, Pause: time.Second, MaxPause: 3 * time.Second}, 500, nil, ms(1000, 2000, 3000, 3000, 3000, 3000, 3000, 3000), "500"},
		"least jitter":        {Policy{Tries: 2, Jitter: func() float64 { return 0 }}, 503, nil, ms(375), "503"},
		"most jitter":         {Policy{Tries: 2, Jitter: func() float64 { return 1 }}, 503, nil, ms(625), "503"},
		"seconds":             {Policy{Tries: 3}, 429, http.Header{"Retry-After": {"7"}}, ms(7000, 7000), "429"},
		"a date":              {Policy{Tries: 2}, 503, http.Header{"Retry-After": {date.Add(40 * time.Second).Format(http.TimeFormat)}, "Date": {date.Format(http.TimeFormat)}}, ms(40_000), "503"},
		"a date that is past": {Policy{Tries: 2}, 503, http.Header{"Retry-After": {date.Format(http.TimeFormat)}, "Date": {date.Add(time.Hour).Format(http.TimeFormat)}}, ms(500), "503"},
		"too long":            {Policy{}, 429, http.Header{"Retry-After": {"3600"}}, nil, "it asks to wait for 1h;"},
		"nonsense":            {Policy{Tries: 2}, 503, http.Header{"Retry-After": {"soon"}}, ms(500), "503"},
		"for good":            {Policy{}, 501, nil, nil, "501"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			repo := stubborn(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					w.Header()[k] = v
				}
				w.WriteHeader(c.status)
			})
			slept := new(recordedSleep)
			c.policy.Sleep = slept.sleep
			if c.policy.Jitter == nil {
				c.policy.Jitter = middle
			}
			_, err := NewNetwork(NetworkOptions{Policy: c.policy}).Repository(repo, nil, Push).Manifest(t.Context(), "v1")
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Manifest = %v, want %q", err, c.says)
			}
			if diff := cmp.Diff(c.want, slept.pauses); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}

// A host that never answers may not exist: it is given up sooner.
func TestPausesBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	slept := new(recordedSleep)
	n := NewNetwork(NetworkOptions{
		Policy: Policy{Sleep: slept.sleep, Jitter: middle},
		Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, errors.New("the cable is out")
		}),
	})
	repo, err := name.NewRepository("registry.example.com/app")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Repository(repo, nil, Push).Ping(t.Context()); err == nil {
		t.Error("a host that does not answer was pinged")
	}
	if want := []time.Duration{500 * time.Millisecond, time.Second}; !cmp.Equal(want, slept.pauses) {
		t.Errorf("pauses = %v, want %v", slept.pauses, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// No try begins when the time for all of them is over, and one that runs goes on.
func TestTotalTime(t *testing.T) {
	t.Parallel()
	asked := 0
	repo := stubborn(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		time.Sleep(50 * time.Millisecond)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	p := Policy{Total: time.Millisecond, Pause: time.Millisecond}
	if _, err := NewNetwork(NetworkOptions{Policy: p}).Repository(repo, nil, Push).Manifest(t.Context(), "v1"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("Manifest = %v, want the answer", err)
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// A pause ends with its context, whose cause is the error.
func TestCancelledPause(t *testing.T) {
	t.Parallel()
	stop := errors.New("Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	repo := stubborn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		time.AfterFunc(10*time.Millisecond, func() { cancel(stop) })
	})
	p := Policy{Pause: time.Hour, MaxPause: time.Hour}
	if _, err := NewNetwork(NetworkOptions{Policy: p}).Repository(repo, nil, Pull).Manifest(ctx, "v1"); !errors.Is(err, stop) {
		t.Errorf("Manifest = %v, want the cause", err)
	}
}
