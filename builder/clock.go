package builder

import (
	"strconv"
	"strings"
	"time"

	"github.com/nanobuild/nanobuild/layers"
)

// maxSeconds is 9999-12-31T23:59:59Z, the last time that RFC 3339 can write.
const maxSeconds = 253402300799

// ResolveClock returns the one time of a build: created (RFC 3339 or seconds
// since the Unix epoch) if it is given, else sourceDateEpoch
// (https://reproducible-builds.org/specs/source-date-epoch/), else the time of
// the commit in seconds since the epoch, else none. It fails with an
// *InputError when the first that is given is malformed.
func ResolveClock(created, sourceDateEpoch string, commitTime *int64) (layers.Clock, error) {
	switch {
	case created != "":
		return parseCreated(created)
	case sourceDateEpoch != "":
		s, ok := parseSeconds(sourceDateEpoch)
		if !ok {
			return layers.Clock{}, input("Set it to whole seconds since 1970, such as 1789000000, or unset it.",
				"SOURCE_DATE_EPOCH is %q, which is not a time.", sourceDateEpoch)
		}
		return layers.Clock{Seconds: s, Known: true}, nil
	case commitTime != nil && *commitTime >= 0 && *commitTime <= maxSeconds:
		return layers.Clock{Seconds: *commitTime, Known: true}, nil
	}
	return layers.Clock{}, nil
}

func parseCreated(s string) (layers.Clock, error) {
	if n, ok := parseSeconds(s); ok {
		return layers.Clock{Seconds: n, Known: true}, nil
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(s))
	if err != nil || t.Unix() < 0 || t.Unix() > maxSeconds {
		return layers.Clock{}, input("Write it as 2026-11-25T12:00:00Z, or as seconds since 1970.",
			"The creation time %q (--created) is not a time since 1970.", s)
	}
	return layers.Clock{Seconds: t.Unix(), Known: true}, nil
}

// parseSeconds reads decimal digits only: no sign, no spaces, no fraction.
func parseSeconds(s string) (int64, bool) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n <= maxSeconds
}
