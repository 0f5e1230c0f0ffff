//go:build !nosign

package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
)

// bases checks what an image is built on.
func (r *verifyRun) bases(ctx context.Context, one *looked) error {
	for _, c := range []struct {
		name, wanted string
		check        func(context.Context, *looked) (Verdict, string, error)
	}{{CheckBase, r.Asked.BaseIs, r.baseIs}, {CheckBaseAge, r.Asked.MaxBaseAge, r.baseAge}} {
		if c.wanted == "" {
			continue
		}
		verdict, detail, err := c.check(ctx, one)
		// What the image names is no trouble of the registry's.
		byItsWord := c.name == CheckBaseAge && r.Asked.BaseIs == ""
		if errors.Is(err, base.ErrNotFound) || err != nil && byItsWord && !unanswered(err) {
			verdict, detail, err = Failed, err.Error(), nil
		}
		if err != nil {
			return at(StageBase, err)
		}
		r.add(one.manifest, Check{Name: c.name, Wanted: c.wanted, Verdict: verdict, Detail: detail})
	}
	return nil
}

// baseIs tells whether an image is built on the base that is wanted, or on an older one
// of its line: the image must begin with the layers of that base, whatever it says of
// itself.
func (r *verifyRun) baseIs(ctx context.Context, one *looked) (Verdict, string, error) {
	wanted := base.Expand(r.Asked.BaseIs)
	newest, detail, err := r.newest(ctx, wanted, one)
	if newest == nil {
		return Failed, detail, err
	}
	if begins, err := beginsWith(one.config, newest); err != nil || begins {
		return Passed, fmt.Sprintf("%s, %s, %s", newest.Name, orNoVersion(newest.OSVersion), newest.Digest), err
	}
	recorded := builder.RecordedBase(one.image.Manifest, one.image.Config)
	places := repositoriesOf(newest)
	if _, digest := splitDigest(wanted); digest || len(places) == 0 {
		return Failed, fmt.Sprintf("the image does not begin with the layers of %s; it says that it is on %s", newest.Name, recordedText(recorded)), nil
	}
	if recorded.Digest == (v1.Hash{}) {
		return Failed, fmt.Sprintf("the image does not begin with the layers that %s has now, and does not say by digest what it is on; rebuild or rebase it", newest.Name), nil
	}
	if !sameLine(recorded.Name, wanted, one.image.OSVersion) {
		return Failed, fmt.Sprintf("the image says that it is on %s, which is another line than %s", recordedText(recorded), newest.Name), nil
	}
	old, problem, err := r.recordedBase(ctx, one, places...)
	if old == nil {
		return Failed, problem, err
	}
	return Passed, fmt.Sprintf("an older base of the line, %s, %s; %s has %s", orNoVersion(old.OSVersion), old.Digest, newest.Name, orNoVersion(newest.OSVersion)), nil
}

// newest returns the base of the image's build of Windows that a reference names now;
// nil and the reason where it has none.
func (r *verifyRun) newest(ctx context.Context, ref string, one *looked) (*base.Base, string, error) {
	all, ok := r.lines[ref]
	if !ok {
		var err error
		if all, err = base.ResolveAll(ctx, ref, r.reader.options("", "")); err != nil {
			return nil, "", err
		}
		r.lines[ref] = all
	}
	found := ofBuild(all, one.image.OSVersion)
	if found == nil {
		return nil, fmt.Sprintf("the image is Windows %s, and %s is Windows %s", orNoVersion(one.image.OSVersion), all[0].Name, offered(all)), nil
	}
	return found, "", nil
}

// sameLine tells whether two names of bases lead to the same newest one. They may be in
// different registries, since mirrors are.
func sameLine(recorded, wanted, osVersion string) bool {
	return lineTag(recorded, osVersion) == lineTag(wanted, osVersion)
}

func lineTag(ref, osVersion string) string {
	if line, err := base.Line(ref, osVersion); err == nil {
		ref = line
	}
	parsed, err := name.ParseReference(base.Expand(ref))
	if err != nil {
		return ""
	}
	return parsed.Identifier()
}

func splitDigest(ref string) (bare string, digest bool) {
	bare, _, digest = strings.Cut(ref, "@")
	return bare, digest
}

func recordedText(b builder.BaseRecord) string {
	text := builder.Printable(b.Name)
	if b.Name == "" {
		text = "a base without a name"
	}
	if b.Digest != (v1.Hash{}) {
		text += ", " + b.Digest.String()
	}
	return text
}
