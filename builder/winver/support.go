package winver

import "time"

// Support says until when Microsoft supports a product. Both days are midnight
// UTC, and the last ones with support.
type Support struct {
	Mainstream time.Time // of mainstream support; zero where a product has only one phase
	End        time.Time // of security fixes that everybody gets
}

// Phase is a part of a product's life.
type Phase string

// The phases. Paid fixes beyond the end do not count.
const (
	Supported Phase = "supported"
	Extended  Phase = "extended" // security fixes only
	Ended     Phase = "ended"
)

// Phase returns the phase that now lies in. A day ends at midnight UTC.
func (s Support) Phase(now time.Time) Phase {
	switch {
	case after(now, s.End):
		return Ended
	case !s.Mainstream.IsZero() && after(now, s.Mainstream):
		return Extended
	}
	return Supported
}

// after says whether the day is over.
func after(now, day time.Time) bool { return !now.Before(day.AddDate(0, 0, 1)) }

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
