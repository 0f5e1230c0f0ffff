//go:build !nosign

package flow

import (
	"context"
	"fmt"
	"time"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

// baseAge tells how much older the base of an image is than the newest of its line: the
// time between the making of both. So an image on the newest base passes, however long
// ago that was made.
func (r *verifyRun) baseAge(ctx context.Context, one *looked) (Verdict, string, error) {
	most, err := policy.ParseAge(r.Asked.MaxBaseAge)
	if err != nil {
		return Failed, "", err
	}
	line, problem := r.lineOf(one)
	if line == "" {
		return Failed, problem, nil
	}
	newest, detail, err := r.newest(ctx, line, one)
	if newest == nil {
		return Failed, detail, err
	}
	if begins, err := beginsWith(one.config, newest); err != nil || begins {
		return Passed, "the newest, " + newest.Name + " " + orNoVersion(newest.OSVersion), err
	}
	old, problem, err := r.oldBase(ctx, one, newest)
	if old == nil {
		return Failed, "how old its base is cannot be told: " + problem, err
	}
	return r.compareAges(old, newest, most)
}

// oldBase is the base that the image is on, other than the newest: the one that the user
// names, or the one that it records, if it begins with the layers of that.
func (r *verifyRun) oldBase(ctx context.Context, one *looked, newest *base.Base) (*base.Base, string, error) {
	if old, err := r.onWanted(ctx, one); old != nil || err != nil {
		return old, "", err
	}
	places := repositoriesOf(newest)
	if len(places) == 0 {
		return nil, "the image does not begin with the layers of " + newest.Name, nil
	}
	return r.recordedBase(ctx, one, places...)
}

// compareAges judges by what both bases say, and not by what the image does.
func (r *verifyRun) compareAges(old, newest *base.Base, most time.Duration) (Verdict, string, error) {
	versions := winver.Compare(old.OSVersion, newest.OSVersion)
	if versions > 0 {
		return Passed, fmt.Sprintf("%s, newer than %s, which has %s", orNoVersion(old.OSVersion), newest.Name, orNoVersion(newest.OSVersion)), nil
	}
	made, err := baseTime(old)
	if err != nil {
		return Failed, "", err
	}
	latest, err := baseTime(newest)
	if err != nil {
		return Failed, "", err
	}
	dates := fmt.Sprintf("made on %s, that on %s", made.Format(time.DateOnly), latest.Format(time.DateOnly))
	rebase := "; rebase it with nanobuild rebase " + r.found.Image
	now := r.Now()
	switch age := latest.Sub(made); {
	case made.IsZero() || latest.IsZero():
		return Failed, fmt.Sprintf("%s is another base than the image's, and when both were made is not told; rebase the image, or leave --max-base-age out", newest.Name), nil
	case made.After(now) || latest.After(now):
		return Failed, fmt.Sprintf("how old its base is cannot be told, since a time is yet to come: %s", dates), nil
	case age < 0 && versions < 0:
		return Failed, fmt.Sprintf("its Windows %s is older than that of %s, %s, though it was made later: %s%s", orNoVersion(old.OSVersion), newest.Name, orNoVersion(newest.OSVersion), dates, rebase), nil
	case age < 0:
		return Passed, fmt.Sprintf("not older than %s: %s", newest.Name, dates), nil
	case age > most:
		return Failed, fmt.Sprintf("%s older than %s: %s; %s is the most%s", daysText(age), newest.Name, dates, r.Asked.MaxBaseAge, rebase), nil
	default:
		return Passed, fmt.Sprintf("%s older than %s: %s", daysText(age), newest.Name, dates), nil
	}
}

// lineOf is where the newest base of an image's line is found: by the base that the
// user wants, or by what the image says where that needs no trust in it.
func (r *verifyRun) lineOf(one *looked) (line, problem string) {
	if r.Asked.BaseIs != "" {
		wanted := base.Expand(r.Asked.BaseIs)
		if line, err := base.Line(wanted, one.image.OSVersion); err == nil {
			return line, ""
		}
		return wanted, ""
	}
	recorded := builder.RecordedBase(one.image.Manifest, one.image.Config)
	if line, ok := r.microsoftsLine(one, recorded.Name); ok {
		return line.Name(), ""
	}
	return "", fmt.Sprintf("which base is the newest is not known: the image says that it is on %s, and only Microsoft's registry is asked on its word; name the line with --base-is", recordedText(recorded))
}

// baseTime is when a base was made: the latest time of the steps that made its layers,
// else the time in its config. Zero where none is told.
func baseTime(b *base.Base) (time.Time, error) {
	config, err := parsedConfig(b)
	if err != nil {
		return time.Time{}, err
	}
	var latest time.Time
	for _, h := range config.History {
		if at := h.Created.Time; !h.EmptyLayer && at.Unix() > 0 && at.After(latest) {
			latest = at.UTC()
		}
	}
	if at := config.Created.Time; latest.IsZero() && at.Unix() > 0 {
		latest = at.UTC()
	}
	return latest, nil
}

func daysText(d time.Duration) string {
	switch days := int(d / (24 * time.Hour)); days {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", days)
	}
}
