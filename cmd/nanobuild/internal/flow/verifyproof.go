//go:build !nosign

package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// beginsWith tells whether an image begins with the layers of a base, by what they
// unpack to: registries may compress them anew.
func beginsWith(image *v1.ConfigFile, b *base.Base) (bool, error) {
	config, err := parsedConfig(b)
	if err != nil {
		return false, err
	}
	had, want := image.RootFS.DiffIDs, config.RootFS.DiffIDs
	return len(want) > 0 && len(had) >= len(want) && slices.Equal(had[:len(want)], want), nil
}

// recordedBase reads the base whose digest an image records, out of repositories that
// somebody else than the image vouches for. It is nil, and the problem says why, where
// the image does not begin with the layers of such a base. Only a first place that does
// not answer is an error: all else is what the image's own words lead to.
func (r *verifyRun) recordedBase(ctx context.Context, one *looked, places ...name.Repository) (found *base.Base, problem string, err error) {
	recorded := builder.RecordedBase(one.image.Manifest, one.image.Config)
	if recorded.Digest == (v1.Hash{}) {
		return nil, "the image does not say by digest what it is on", nil
	}
	for i, repo := range places {
		found, err = r.byDigest(ctx, one, repo.Digest(recorded.Digest.String()).Name())
		switch {
		case err == nil:
			if begins, err := beginsWith(one.config, found); err != nil || !begins {
				return nil, fmt.Sprintf("the image says that it is on %s, and does not begin with its layers", found.Name), err
			}
			return found, "", nil
		case unanswered(err) && i == 0, ctx.Err() != nil:
			return nil, "", err
		case problem == "":
			problem = err.Error()
		}
	}
	return nil, problem, nil
}

// byDigest reads a base that may have been read before.
func (r *verifyRun) byDigest(ctx context.Context, one *looked, ref string) (*base.Base, error) {
	if found := ofBuild(r.lines[ref], one.image.OSVersion); found != nil {
		return found, nil
	}
	found, err := base.Resolve(ctx, ref, r.reader.options("", winver.BuildOf(one.image.OSVersion)))
	if err != nil {
		return nil, err
	}
	r.lines[ref] = append(r.lines[ref], found)
	return found, nil
}

// unanswered says whether an error is a registry's that told nothing, rather than one
// about what it has.
func unanswered(err error) bool {
	return errors.Is(err, base.ErrUnreachable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// repositoriesOf are where other bases of a base's line are: first where this one was
// found, and then where its name says, since a mirror may have the newest alone. There
// are none for bases in files.
func repositoriesOf(b *base.Base) []name.Repository {
	if b.Repository == nil {
		return nil
	}
	places := []name.Repository{*b.Repository}
	if ref, err := name.ParseReference(b.Name); err == nil && ref.Context().Name() != b.Repository.Name() {
		places = append(places, ref.Context())
	}
	return places
}

// microsoftsLine is where the newest base is found of those that an image says it is on,
// if that is Microsoft's registry or a mirror of it that the user names. In any other
// place the image's own word would choose what it is measured by.
func (r *verifyRun) microsoftsLine(one *looked, recorded string) (name.Tag, bool) {
	if recorded == "" {
		return name.Tag{}, false
	}
	line, err := base.Line(recorded, one.image.OSVersion)
	if err != nil {
		return name.Tag{}, false
	}
	tag, err := name.NewTag(line)
	return tag, err == nil && r.isMicrosofts(tag.Context())
}

// isMicrosofts says whether a repository has Microsoft's images alone. A mirror that the
// image itself lies in has those of others too.
func (r *verifyRun) isMicrosofts(repo name.Repository) bool {
	found := strings.HasPrefix(repo.Name(), microsofts)
	for _, m := range r.reader.mirrors {
		from, to, _ := strings.Cut(m.String(), "=")
		if !strings.HasPrefix(from+"/", microsofts) {
			continue
		}
		if strings.HasPrefix(r.repo.Name().Name()+"/", to+"/") {
			return false
		}
		found = found || strings.HasPrefix(repo.Name()+"/", to+"/")
	}
	return found
}

// groundOf finds the base of an image for the checks of what lies on it. Where none is
// proved, doubt says why, as the end of a sentence.
func (r *verifyRun) groundOf(ctx context.Context, one *looked) (g ground, doubt string, err error) {
	if strings.HasPrefix(r.repo.Name().Name(), microsofts) {
		return grounded(one.image)
	}
	wanted, err := r.onWanted(ctx, one)
	if err != nil {
		return ground{}, "", err
	}
	if wanted != nil {
		return grounded(wanted)
	}
	recorded := builder.RecordedBase(one.image.Manifest, one.image.Config)
	line, ok := r.microsoftsLine(one, recorded.Name)
	if !ok {
		return ground{doubted: true}, "which base it is on is not proved" + r.howToProve(), nil
	}
	found, err := r.onMicrosofts(ctx, one, line)
	switch {
	case ctx.Err() != nil:
		return ground{}, "", context.Cause(ctx)
	case err != nil:
		return ground{}, "its history alone tells which layers are the base's, since " + line.Context().RegistryStr() + " does not answer" + r.howToProve(), nil //nolint:nilerr // the check says it
	case found != nil:
		return grounded(found)
	}
	return ground{doubted: true}, "it is not on the base that it says it is on" + r.howToProve(), nil
}

var errSilent = errors.New("the registry did not answer before")

// onMicrosofts is the base of a line that the image is on, the newest or the one that it
// records; nil where it is on none. It fails where the registry does not answer: nobody
// named that, so it is not waited for long, nor again for other images.
func (r *verifyRun) onMicrosofts(ctx context.Context, one *looked, line name.Tag) (found *base.Base, err error) {
	if r.silent {
		return nil, errSilent
	}
	limited, cancel := context.WithTimeout(ctx, ageTimeout)
	defer func() {
		cancel()
		r.silent = err != nil
	}()
	newest, _, err := r.newest(limited, line.Name(), one)
	switch {
	case unanswered(err):
		return nil, err
	case newest == nil: // the line has ended, but what it had may be there
		found, _, err = r.recordedBase(limited, one, line.Context())
		return found, err
	}
	if begins, err := beginsWith(one.config, newest); err != nil || begins {
		return newest, err
	}
	found, _, err = r.recordedBase(limited, one, repositoriesOf(newest)...)
	return found, err
}

func grounded(b *base.Base) (ground, string, error) {
	config, err := parsedConfig(b)
	if err != nil {
		return ground{}, "", err
	}
	return ground{proved: b, variables: config.Config.Env}, "", nil
}

// howToProve is the advice for images whose base is not known.
func (r *verifyRun) howToProve() string {
	if r.Asked.BaseIs != "" {
		return ""
	}
	return " (name it with --base-is)"
}

// onWanted is the base of --base-is, or the older one of its line, that the image is on;
// nil where it is on none.
func (r *verifyRun) onWanted(ctx context.Context, one *looked) (*base.Base, error) {
	if r.Asked.BaseIs == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	wanted := base.Expand(r.Asked.BaseIs)
	newest, _, err := r.newest(ctx, wanted, one)
	if newest == nil || err != nil {
		return nil, ignoreMissing(err)
	}
	if begins, err := beginsWith(one.config, newest); err != nil || begins {
		return newest, err
	}
	places := repositoriesOf(newest)
	if _, pinned := splitDigest(wanted); pinned || len(places) == 0 {
		return nil, nil //nolint:nilnil // it must be that one
	}
	found, _, err := r.recordedBase(ctx, one, places...)
	return found, err
}

// ignoreMissing leaves out that a base is not there: its own check says so.
func ignoreMissing(err error) error {
	if errors.Is(err, base.ErrNotFound) {
		return nil
	}
	return err
}
