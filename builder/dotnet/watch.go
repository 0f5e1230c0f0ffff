package dotnet

import (
	"bytes"
	"os"
	"time"
)

// watchPause is the time between two looks at the result file.
const watchPause = 5 * time.Millisecond

// watch looks for the result of a running dotnet. MSBuild writes it when the build
// is over; dotnet needs another twentieth of a second to end.
type watch struct {
	done   chan struct{}
	ended  chan struct{}
	result *Result // once ended
}

// watch begins to look, and tells Request.Ready once of a complete result.
func (p *plan) watch() *watch {
	w := &watch{done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		if p.req.Ready == nil || p.told {
			return
		}
		pause := time.NewTicker(watchPause)
		defer pause.Stop()
		for w.result == nil {
			select {
			case <-w.done:
				return
			case <-pause.C:
				answer := p.peek()
				if answer == nil {
					continue
				}
				var err error
				if w.result, err = p.describe(answer); err != nil {
					return // it is described again, and refused, when dotnet has ended
				}
			}
		}
		p.told = true
		p.req.Ready(w.result)
	}()
	return w
}

// stop ends the looking, and returns the result that was found, or nil.
func (w *watch) stop() *Result {
	close(w.done)
	<-w.ended
	return w.result
}

// peek returns the answer if it is written to its end and names the files of one
// target framework.
func (p *plan) peek() *evaluation {
	raw, err := os.ReadFile(p.result)
	if err != nil || len(raw) > largestResult || !bytes.HasSuffix(bytes.TrimSpace(raw), []byte("}")) {
		return nil
	}
	answer, err := parseResult(raw)
	if err != nil || len(answer.Items[publishItems]) == 0 || answer.Properties["TargetFramework"] == "" {
		return nil
	}
	return answer
}
