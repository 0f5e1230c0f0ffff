package builder_test

import (
	"testing"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/layers"
)

func TestResolveClock(t *testing.T) {
	t.Parallel()
	commit, before := int64(1700000000), int64(-5)
	at := func(s int64) layers.Clock { return layers.Clock{Seconds: s, Known: true} }
	for _, tt := range []struct {
		name, created, epoch string
		commit               *int64
		want                 layers.Clock
		bad                  string // what the error names
	}{
		{name: "none"},
		{name: "commit", commit: &commit, want: at(commit)},
		{name: "commit before 1970", commit: &before},
		{name: "epoch", epoch: "1789000000", commit: &commit, want: at(1789000000)},
		{name: "epoch zero", epoch: "0", commit: &commit, want: at(0)},
		{name: "flag", created: "2026-09-10T00:26:40Z", epoch: "1", commit: &commit, want: at(1789000000)},
		{name: "flag in a zone", created: "2026-09-10T02:26:40+02:00", want: at(1789000000)},
		{name: "flag with a fraction", created: "2026-09-10T00:26:40.9z", want: at(1789000000)},
		{name: "flag in seconds", created: "1789000000", want: at(1789000000)},
		{name: "the last second", created: "253402300799", want: at(253402300799)},
		{name: "flag hides a bad epoch", created: "1", epoch: "x", want: at(1)},
		{name: "bad epoch", epoch: "2026-09-10", commit: &commit, bad: "SOURCE_DATE_EPOCH"},
		{name: "epoch with a space", epoch: " 1", bad: "SOURCE_DATE_EPOCH"},
		{name: "negative epoch", epoch: "-1", bad: "SOURCE_DATE_EPOCH"},
		{name: "fraction of an epoch", epoch: "1.5", bad: "SOURCE_DATE_EPOCH"},
		{name: "huge epoch", epoch: "99999999999999999999", bad: "SOURCE_DATE_EPOCH"},
		{name: "bad flag", created: "yesterday", bad: "--created"},
		{name: "flag before 1970", created: "1969-12-31T23:59:59Z", bad: "--created"},
		{name: "flag after all years", created: "253402300800", bad: "--created"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := builder.ResolveClock(tt.created, tt.epoch, tt.commit)
			if tt.bad != "" {
				wantInput(t, err, tt.bad)
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}
