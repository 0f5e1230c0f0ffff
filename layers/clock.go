package layers

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Clock is the one time of a build: the requested creation time, or
// SOURCE_DATE_EPOCH, or the commit's time. The zero value means none is known.
type Clock struct {
	Seconds int64 // since the Unix epoch
	Known   bool
}

const (
	week        = 604800    // seconds
	farPast     = 946684800 // 2000-01-01T00:00:00Z
	twentyYears = 631152000 // seconds
)

// Created is the creation time of images and history entries: the clock's
// time, or 1970-01-01T00:00:00Z when none is known.
func (c Clock) Created() time.Time {
	if !c.Known {
		return time.Unix(0, 0).UTC()
	}
	return time.Unix(c.Seconds, 0).UTC()
}

// FileTime is the modification time of a file with this origin and content.
// Shared layers (runtime packs, packages) always get the Unix epoch, so that
// they are the same for every commit. Files that people may be served get a time
// derived from their content, inside the two weeks before the clock: ASP.NET
// makes ETag and Last-Modified from time and length, so an edit must move the
// time, and a time long past would let browsers cache for years
// (RFC 9111 section 4.2.2).
func (c Clock) FileTime(o Origin, content [sha256.Size]byte) time.Time {
	if !timedByContent(o) {
		return time.Unix(0, 0).UTC()
	}
	h := int64(binary.BigEndian.Uint32(content[:4]))
	if !c.Known || c.Seconds < 2*week {
		return time.Unix(farPast+h%twentyYears, 0).UTC()
	}
	start := c.Seconds - c.Seconds%week
	return time.Unix(start-h%week, 0).UTC()
}

// timedByContent says whether files of this origin get a time from their
// content. The others, most of an image, need not be hashed one by one.
func timedByContent(o Origin) bool {
	switch o {
	case Runtime, Aspnet, Desktop, Packages:
		return false
	}
	return true
}
