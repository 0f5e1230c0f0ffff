package flow

import (
	"fmt"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/publish"
)

// progress turns the events of pushes into lines.
type progress struct {
	Deps
	times *stopwatch
	other string // what a layer is called that has no name

	mu     sync.Mutex
	titles map[v1.Hash]string
	told   map[string]bool // sink and layer
}

func newProgress(d Deps) *progress {
	return &progress{Deps: d, times: newStopwatch(d.Now), other: "base layer", titles: map[v1.Hash]string{}, told: map[string]bool{}}
}

// name learns the words for our layers.
func (p *progress) name(ours []*layers.Layer) {
	for _, l := range ours {
		p.nameLayer(l)
	}
}

func (p *progress) nameLayer(l *layers.Layer) {
	digest, err := l.Digest()
	if err != nil {
		return // whoever needs it reports that
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.titles[digest] = string(l.Origin()) + " layer"
}

func (p *progress) title(digest v1.Hash) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if title, ok := p.titles[digest]; ok {
		return title
	}
	return p.other
}

// first says whether nothing was told of the key yet.
func (p *progress) first(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := p.told[key]
	p.told[key] = true
	return !told
}

func (p *progress) report(e publish.Event) {
	key := e.Sink + "@" + e.Layer.String()
	switch e.Kind {
	case publish.LayerStarted:
		p.times.start(key)
		p.Log.Debug(fmt.Sprintf("%s: %s, %s", e.Sink, p.title(e.Layer), BytesText(e.Size)))
	case publish.LayerFinished:
		if e.How == publish.Exists && p.times.running(key) {
			return // who is sending it has more to tell
		}
		if took := p.times.stop(key); p.first(key) {
			p.finished(e, took)
		}
	case publish.Staged:
		p.Log.Debug(fmt.Sprintf("%s: config and manifest, %s", e.Sink, BytesText(e.Bytes)))
	case publish.Current:
		p.Log.Info(e.Sink+": unchanged, nothing to do", "reference", e.Ref)
	case publish.Committed:
		p.Log.Info(e.Sink+": done", "reference", e.Ref)
	}
}

func (p *progress) finished(e publish.Event, took time.Duration) {
	var line string
	switch e.How {
	case publish.Exists:
		line = "already there"
	case publish.Mounted:
		line = "mounted, nothing sent"
	case publish.Skipped:
		line = "skipped: it is not distributable and stays where its URLs point"
	case publish.Deferred:
		return // the tarball is written as a whole
	case publish.Uploaded, publish.Written:
		line = fmt.Sprintf("%s %s, %s", e.How, BytesText(e.Bytes), secondsText(took))
	}
	title := p.title(e.Layer)
	p.Log.Info(fmt.Sprintf("%s: %s %s", e.Sink, title, line), "sink", e.Sink, "layer", title,
		"how", e.How.String(), "bytes", e.Bytes, "seconds", took.Seconds())
}
