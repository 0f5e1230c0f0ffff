package builder_test

import (
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

func TestSupported(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version, day string // the day it is asked on
		end          string // "" if not known
		ended        bool
	}{
		{"net8.0", "2026-11-09", "2026-11-10", false},
		{"net8.0", "2026-11-10", "2026-11-10", false},
		{"net8.0", "2026-11-11", "2026-11-10", true},
		{"net9.0-windows10.0.19041", "2026-11-25", "2026-11-10", true},
		{"8.0.31", "2026-11-25", "2026-11-10", true},
		{"10.0.12", "2026-11-25", "2028-11-14", false},
		{"net11.0", "2028-11-09", "2028-11-09", false},
		{"11.0.0-rc.1.25451.107", "2028-11-10", "2028-11-09", true},
		{"net7.0", "2026-11-25", "2024-05-14", true},
		{"NET6.0", "2026-11-25", "2024-11-12", true},
		{"net5.0", "2026-11-25", "2022-05-10", true},
		{"netcoreapp3.1", "2026-11-25", "2022-12-13", true},
		{"netcoreapp2.1", "2026-11-25", "2021-08-21", true},
		{"net12.0", "2026-11-25", "", false},
		{"net48", "2026-11-25", "", false},
		{"netstandard2.0", "2026-11-25", "", false},
		{"", "2026-11-25", "", false},
		{"x.y", "2026-11-25", "", false},
	} {
		now, err := time.Parse(time.DateOnly, tt.day)
		if err != nil {
			t.Fatal(err)
		}
		end, ended, known := builder.Supported(tt.version, now.Add(23*time.Hour))
		if known != (tt.end != "") || ended != tt.ended || known && end.Format(time.DateOnly) != tt.end {
			t.Errorf("%s on %s: %s, %v, %v", tt.version, tt.day, end.Format(time.DateOnly), ended, known)
		}
	}
}

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
		img, err := builder.Build(t.Context(), spec, newBase(t, sample.Options{}), app, builder.Deps{TempDir: t.TempDir(), Now: tt.now})
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
