package flow

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// hostLog is a transport that notes which hosts are asked.
type hostLog struct {
	next http.RoundTripper
	mu   sync.Mutex
	all  map[string]bool
}

func (h *hostLog) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	if h.all == nil {
		h.all = map[string]bool{}
	}
	h.all[r.URL.Host] = true
	h.mu.Unlock()
	return h.next.RoundTrip(r)
}

// TestRebaseTrustsNoLabel: what an image says of its base sends no request into
// networks that the user did not name.
func TestRebaseTrustsNoLabel(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{"10.1.2.3:5000", "169.254.169.254", "192.168.0.1"} {
		p := newPatchDay(t)
		hosts := &hostLog{next: p.Transport}
		p.Transport = hosts
		image, err := mutate.Config(sampleImage(t, sample.Options{}), v1.Config{Labels: map[string]string{
			"org.opencontainers.image.base.name":   inside + "/windows/nanoserver:ltsc2022",
			"org.opencontainers.image.base.digest": "sha256:" + strings.Repeat("1", 64),
		}})
		if err != nil {
			t.Fatal(err)
		}
		ref := p.host + "/evil:v1"
		if err := remote.Write(parseTag(t, ref), image); err != nil {
			t.Fatal(err)
		}
		_, err = p.rebase(t, nil, ref)
		if err == nil || !strings.Contains(err.Error(), "that you did not name") || hosts.all[inside] {
			t.Errorf("%s: %v, asked %v", inside, err, hosts.all)
		}
	}
}
