package builder_test

import (
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

func TestTheEndOfSupportIsAWarningAndChangesNoBytes(t *testing.T) {
	t.Parallel()
	app := newWebApp(t, "8.0.31")
	spec, _ := configure(t, app, builder.Overrides{})
	digests := make([]string, 0, 3)
	for _, tt := range []struct {
		now    time.Time
		warned bool
	}{
		{time.Time{}, false},
		{time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC), false},
		{time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), true},
	} {
		img, err := buildOne(t.Context(), spec, newBase(t, sample.Options{}), app, builder.Deps{TempDir: t.TempDir(), Now: tt.now})
		if err != nil {
			t.Fatal(err)
		}
		if got := mentions(img.Warnings, ".NET 8.0", "2026-11-10"); got != tt.warned {
			t.Errorf("on %s: warnings %q", tt.now, img.Warnings)
		}
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, d.String())
		if err := img.Close(); err != nil {
			t.Error(err)
		}
	}
	if digests[0] != digests[1] || digests[1] != digests[2] {
		t.Errorf("digests %q", digests)
	}
}
