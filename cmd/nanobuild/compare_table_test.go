package main_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// row is one line of the comparison.
type row struct {
	what, ours, rival, ratio, limit string
	verdict                         string // ok, over, or nothing where no limit is
}

// table is what the comparison prints.
type table struct{ rows []row }

func (tb *table) add(rows ...row) { tb.rows = append(tb.rows, rows...) }

// section starts a new part of the table.
func (tb *table) section(title string) { tb.add(row{}, row{what: strings.ToUpper(title)}) }

// String aligns the columns.
func (tb *table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, r := range append([]row{{"", "ours", "rival", "ratio", "limit", "verdict"}}, tb.rows...) {
		fmt.Fprintln(w, strings.Join([]string{r.what, r.ours, r.rival, r.ratio, r.limit, r.verdict}, "\t"))
	}
	_ = w.Flush() // into memory
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// over is how many rows are over their limit.
func (tb *table) over() int {
	n := 0
	for _, r := range tb.rows {
		if r.verdict == verdictOver {
			n++
		}
	}
	return n
}

const (
	verdictOK   = "ok"
	verdictOver = "over"
)

// verdict says whether a value keeps to its limit.
func verdict[N cmp.Ordered](value, limit N) string {
	if value <= limit {
		return verdictOK
	}
	return verdictOver
}

// ratioRow compares two times. A limit of 0 is none.
func ratioRow(what string, ours, rival time.Duration, limit float64) row {
	r := row{what: what, ours: seconds(ours), rival: seconds(rival), ratio: "-"}
	if rival <= 0 { // lost in the noise
		return r
	}
	ratio := ours.Seconds() / rival.Seconds()
	r.ratio = fmt.Sprintf("%.3f", ratio)
	if limit > 0 {
		r.limit, r.verdict = fmt.Sprintf("%.2f ×", limit), verdict(ratio, limit)
	}
	return r
}

// timeRow holds a time against a limit of its own.
func timeRow(what string, ours, rival, limit time.Duration) row {
	return row{what: what, ours: seconds(ours), rival: seconds(rival), limit: seconds(limit), verdict: verdict(ours, limit)}
}

// noLimit is the limit of rows that only tell.
const noLimit = -1

// bytesRow compares bytes.
func bytesRow(what string, ours, rival, limit int64) row {
	r := row{what: what, ours: size(ours), rival: size(rival)}
	if rival > 0 {
		r.ratio = fmt.Sprintf("%.4f", float64(ours)/float64(rival))
	}
	if limit != noLimit {
		r.limit, r.verdict = size(limit), verdict(ours, limit)
	}
	return r
}

// countRow compares numbers.
func countRow(what string, ours, rival, limit int) row {
	r := row{what: what, ours: fmt.Sprint(ours), rival: fmt.Sprint(rival)}
	if limit != noLimit {
		r.limit, r.verdict = fmt.Sprint(limit), verdict(ours, limit)
	}
	return r
}

// withoutRival empties what there is no rival for.
func (r row) withoutRival() row {
	r.rival, r.ratio = "", ""
	return r
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

func size(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// median of the times; of an even number the lower middle one.
func median[N cmp.Ordered](values []N) N {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// medianOf is the median of a value of each run.
func medianOf[T any, N cmp.Ordered](runs []T, value func(T) N) N {
	return median(valuesOf(runs, value))
}

// most is the largest value of all runs.
func most[T any, N cmp.Ordered](runs []T, value func(T) N) N {
	return slices.Max(valuesOf(runs, value))
}

func valuesOf[T any, N cmp.Ordered](runs []T, value func(T) N) []N {
	values := make([]N, 0, len(runs))
	for _, r := range runs {
		values = append(values, value(r))
	}
	return values
}

func TestTable(t *testing.T) {
	t.Parallel()
	var tb table
	tb.add(
		ratioRow("fast", 100*time.Millisecond, time.Second, 0.1),
		ratioRow("slow", 101*time.Millisecond, time.Second, 0.1),
		timeRow("late", time.Second, 2*time.Second, 200*time.Millisecond),
		bytesRow("many", 100_001, 36_580_000, 100_000),
		bytesRow("none", 0, 36_580_000, 0),
		countRow("told", 7, 3, noLimit),
	)
	want := strings.TrimPrefix(`
       ours       rival      ratio    limit      verdict
fast   0.100 s    1.000 s    0.100    0.10 ×     ok
slow   0.101 s    1.000 s    0.101    0.10 ×     over
late   1.000 s    2.000 s             0.200 s    over
many   100.0 KB   36.58 MB   0.0027   100.0 KB   over
none   0 B        36.58 MB   0.0000   0 B        ok
told   7          3
`, "\n")
	if got := tb.String(); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	if got := tb.over(); got != 3 {
		t.Errorf("%d rows are over their limit, want 3", got)
	}
	if got := median([]int{5, 1, 9, 3}); got != 3 {
		t.Errorf("median = %d, want 3", got)
	}
}
