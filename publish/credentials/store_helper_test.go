package credentials

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStoreWithHelper(t *testing.T) {
	t.Parallel()
	s := storeIn(t)
	h := &fakeHelpers{}
	s.Program = h.program
	writeFile(t, s.File, `{"credsStore": "all", "credHelpers": {"r.io": "one"}, "auths": {"q.io": {"auth": "YTpi"}}}`)
	for host, want := range map[string]string{"r.io": "docker-credential-one", "q.io": "docker-credential-all", "docker.io": "docker-credential-all"} {
		if where := save(t, s, host, "me", "s3cret of "+host); where.String() != "by "+want {
			t.Errorf("%s: stored %s, want by %s", host, where, want)
		}
	}
	want := map[string][2]string{
		"docker-credential-one r.io":                        {"me", "s3cret of r.io"},
		"docker-credential-all q.io":                        {"me", "s3cret of q.io"},
		"docker-credential-all https://index.docker.io/v1/": {"me", "s3cret of docker.io"},
	}
	if diff := cmp.Diff(want, h.has); diff != "" {
		t.Error(diff)
	}
	text := readText(t, s.File)
	if strings.Contains(text, "YTpi") || strings.Contains(text, "s3cret") {
		t.Errorf("a secret stays in the file: %s", text)
	}
	if found := dockerReads(t, s.File); len(found) != 3 {
		t.Errorf("the file lists %v", found)
	}
	if where, err := s.Remove(t.Context(), "r.io"); where.Program != "docker-credential-one" || err != nil {
		t.Errorf("remove: %s, %v", where, err)
	}
	if where, err := s.Remove(t.Context(), "r.io"); where != (Where{}) || err != nil {
		t.Errorf("remove again: %s, %v", where, err)
	}
	if _, there := h.has["docker-credential-one r.io"]; there || len(dockerReads(t, s.File)) != 2 {
		t.Error("r.io is still there")
	}
}

func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		text string
		says string
	}{
		"helper":      {`{"credsStore": "bad"}`, "docker-credential-bad, named in ~"},
		"helper name": {`{"credHelpers": {"r.io": "../bad"}}`, "credHelpers"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := storeIn(t)
			s.Program = (&fakeHelpers{broken: map[string]string{"docker-credential-bad": "no vault"}}).program
			writeFile(t, s.File, c.text)
			_, err := s.Save(t.Context(), Login{"r.io", "me", "s3cret"})
			_, rerr := s.Remove(t.Context(), "r.io")
			for _, err := range []error{err, rerr} {
				failed := new(StoreError)
				if !errors.As(err, &failed) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("error = %v, want %q in it", err, c.says)
				}
			}
			if got := readText(t, s.File); got != c.text {
				t.Errorf("the file became %s", got)
			}
		})
	}
	t.Run("nowhere", func(t *testing.T) {
		t.Parallel()
		if _, err := (Store{}).Save(t.Context(), Login{"r.io", "a", "b"}); err == nil || !strings.Contains(err.Error(), "DOCKER_CONFIG") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("interrupted while another holds the lock", func(t *testing.T) {
		t.Parallel()
		s := storeIn(t)
		writeFile(t, s.File, "{}")
		unlock, err := lockFile(t.Context(), s.File+".lock")
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped")
		cancel(stopped)
		if _, err := s.Save(ctx, Login{"r.io", "a", "b"}); !errors.Is(err, stopped) {
			t.Errorf("error = %v", err)
		}
	})
}
