package lint

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// firstTime is the smallest time of Windows, which counts from 1601.
var firstTime = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)

// times finds what the importer cannot set.
func times(h *tar.Header) []Finding {
	all := map[string]time.Time{"mtime": h.ModTime}
	if !h.AccessTime.IsZero() {
		all["atime"] = h.AccessTime
	}
	if !h.ChangeTime.IsZero() {
		all["ctime"] = h.ChangeTime
	}
	if v, ok := h.PAXRecords[recordCreation]; ok {
		t, err := parseTime(v)
		if err != nil {
			return one(10, BadRecord, "%s: %v", recordCreation, err)
		}
		all["creation time"] = t
	}
	for _, kind := range []string{"mtime", "atime", "ctime", "creation time"} {
		if t, ok := all[kind]; ok && t.Before(firstTime) {
			return one(32, BadTime, "its %s is before 1601, where Windows' times begin", kind)
		}
	}
	return nil
}

// parseTime reads a PAX time: seconds since 1970 with an optional fraction.
func parseTime(s string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time", s)
	}
	if strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}, fmt.Errorf("%q is not a time", s)
	}
	const digits = 9
	nanos, err := strconv.ParseInt((fraction + "000000000")[:digits], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time", s)
	}
	if strings.HasPrefix(whole, "-") {
		nanos = -nanos
	}
	return time.Unix(seconds, nanos), nil
}

// strictTimes wants four equal times in whole seconds, 1970 for folders.
func strictTimes(h *tar.Header) []Finding {
	var found []Finding
	if h.ModTime.Nanosecond() != 0 || h.PAXRecords["mtime"] != "" {
		found = append(found, one(9, Time, "its time is not in whole seconds")...)
	}
	if h.Typeflag == tar.TypeDir && h.ModTime.Unix() != 0 {
		found = append(found, one(9, Time, "a folder's time is %s, not 1970", h.ModTime.UTC().Format(time.RFC3339))...)
	}
	want := strconv.FormatInt(h.ModTime.Unix(), 10)
	for _, key := range []string{"atime", "ctime", recordCreation} {
		if v, ok := h.PAXRecords[key]; !ok || v != want {
			found = append(found, one(10, Time, "%s is %q, not %s as its other times", key, v, want)...)
		}
	}
	return found
}

// fileTime compares a file's time with the rule for its content.
func (c *layerCheck) fileTime(h *tar.Header, sum [sha256.Size]byte) []Finding {
	want := c.opts.Clock.FileTime(c.opts.Origin, sum)
	if h.ModTime.Equal(want) {
		return nil
	}
	return one(9, Time, "its time is %s, not %s as its content says", h.ModTime.UTC().Format(time.RFC3339), want.Format(time.RFC3339))
}
