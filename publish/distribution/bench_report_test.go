package distribution_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// report is the table of a bench.
type report struct {
	mu    sync.Mutex
	lines []*line
}

// line is what became of the runs of a row.
type line struct {
	row    row
	runs   int
	passed int
	faults int
	pauses int
	extra  []time.Duration // per fault, of each run that had one
	due    []time.Duration // what the faults and the policy's pauses explain of that
}

func (r *report) line(of row) *line {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &line{row: of}
	r.lines = append(r.lines, l)
	return l
}

// drop takes a line away again.
func (r *report) drop(l *line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = slices.DeleteFunc(r.lines, func(other *line) bool { return other == l })
}

// add counts a run, and says what was wrong with it.
func (l *line) add(t *testing.T, seed uint64, o outcome) {
	t.Helper()
	l.runs++
	l.faults += len(o.strokes)
	l.pauses += len(o.pauses)
	if o.err != nil {
		t.Errorf("%s, seed %d: %v\n%s\t%s", l.row.name, seed, o.err, strokesText(o.strokes), strings.Join(o.notices, "\n\t"))
		return
	}
	l.passed++
	if *onlySeed != 0 {
		t.Logf("%s, seed %d: %s\n%s\t%s", l.row.name, seed, o.elapsed, strokesText(o.strokes), strings.Join(o.notices, "\n\t"))
	}
	if len(o.strokes) == 0 {
		return
	}
	n := time.Duration(len(o.strokes))
	if o.elapsed > 0 {
		l.extra = append(l.extra, o.elapsed/n)
	}
	l.due = append(l.due, due(o.strokes)/n)
}

// due is the time that faults cost: their own, and the pause after them at its longest.
func due(all []stroke) time.Duration {
	var sum time.Duration
	for _, s := range all {
		sum += s.cost + firstPause<<(s.nth-1)*5/4
	}
	return sum
}

// firstPause is that of a policy that sets none.
const firstPause = 500 * time.Millisecond

// check fails the row unless its runs show something, and what they should.
func (l *line) check(t *testing.T) {
	t.Helper()
	if l.faults < l.runs/2 {
		t.Errorf("%s: %d faults in %d runs, which shows nothing", l.row.name, l.faults, l.runs)
	}
	if l.row.calm && l.pauses > 0 {
		t.Errorf("%s: %d pauses, but nothing of this has to be tried again", l.row.name, l.pauses)
	}
	if extra, due := median(l.extra), median(l.due); extra > due {
		t.Errorf("%s: the median fault takes %s, its pause and its own time are %s", l.row.name, extra, due)
	}
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

func strokesText(all []stroke) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "\t%s (%d): %s\n", s.key, s.nth, s.fault)
	}
	return b.String()
}

func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "row\tpassed\tfaults\tpauses\tper fault\tat most")
	for _, l := range r.lines {
		fmt.Fprintf(w, "%s\t%d of %d\t%d\t%d\t%s\t%s\n", l.row.name, l.passed, l.runs, l.faults, l.pauses,
			median(l.extra).Round(time.Millisecond), median(l.due).Round(time.Millisecond))
	}
	_ = w.Flush()
	return b.String()
}
