//go:build !nosign

package flow

import (
	"context"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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
	if winver.Compare(one.image.OSVersion, newest.OSVersion) > 0 {
		return Passed, fmt.Sprintf("newer than %s, which has %s", newest.Name, orNoVersion(newest.OSVersion)), nil
	}
	config, err := parsedConfig(newest)
	if err != nil {
		return Failed, "", err
	}
	made, latest := baseTime(one.config), baseTime(config)
	if made.IsZero() || latest.IsZero() {
		return Failed, fmt.Sprintf("%s is another base than the image's, and when both were made is not told; rebase the image, or leave --max-base-age out", newest.Name), nil
	}
	text := fmt.Sprintf("%s older than %s: made on %s, that on %s", daysText(latest.Sub(made)), newest.Name, made.Format(time.DateOnly), latest.Format(time.DateOnly))
	if latest.Sub(made) > most {
		return Failed, text + "; " + r.Asked.MaxBaseAge + " is the most; rebase it with nanobuild rebase " + r.found.Image, nil
	}
	return Passed, text, nil
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
	if line, ok := knownLine(one.image, recorded.Name); ok {
		return line, ""
	}
	return "", fmt.Sprintf("which base is the newest is not known: the image says that it is on %s, and only Microsoft's registry and the image's own are asked on its word; name the line with --base-is", recordedText(recorded))
}

// baseTime is when the base of an image was made: the latest time of the steps that made
// the layers of the base. Zero where none is told.
func baseTime(config *v1.ConfigFile) time.Time {
	var steps []v1.History
	for _, h := range config.History {
		if !h.EmptyLayer {
			steps = append(steps, h)
		}
	}
	var latest time.Time
	for i, origin := range originsOf(steps) {
		if at := steps[i].Created.Time; origin == BaseOrigin && at.After(latest) && at.Unix() > 0 {
			latest = at.UTC()
		}
	}
	return latest
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
