package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// rebaseImage puts one image onto its new base. Only an image by itself may change to
// another build of Windows.
func (r *rebaseRun) rebaseImage(ctx context.Context, old *servedImage, alone bool) (*builder.Rebased, error) {
	record := builder.RecordedBase(old.Manifest, old.Config)
	if record.Name == "" && record.Digest == (v1.Hash{}) {
		if r.OldBase != "" {
			return r.rebaseFrom(ctx, old, record, alone)
		}
		return r.recognise(ctx, old, alone)
	}
	was, err := r.recordedBase(ctx, record, old)
	if err != nil {
		return nil, err
	}
	if was == nil && r.OldBase != "" {
		return r.rebaseFrom(ctx, old, record, alone)
	}
	if err := r.unproven(record, was, old.OSVersion); err != nil {
		return nil, err
	}
	rebased, err := r.rebaseOnto(ctx, old, was, record.Name, alone)
	var unknown *builder.UnknownBaseError
	if errors.As(err, &unknown) && r.OldBase != "" {
		return r.rebaseFrom(ctx, old, record, alone)
	}
	return rebased, err
}

// rebaseFrom takes the old base from the user, and its line too: only a base of
// Microsoft's that the image records tells its own, since the old base may be a copy of
// that, under any name.
func (r *rebaseRun) rebaseFrom(ctx context.Context, old *servedImage, record builder.BaseRecord, alone bool) (*builder.Rebased, error) {
	oldBase, named := r.OldBase, r.OldBase
	if line, err := base.Line(record.Name, old.OSVersion); record.Name != "" && err == nil && strings.HasPrefix(line, microsofts) {
		named = record.Name
	}
	found := r.bases.resolve(ctx, oldBase)
	if found.err != nil {
		return nil, at(StageBase, fmt.Errorf("--old-base: %w", found.err))
	}
	was := ofBuild(found.bases, old.OSVersion)
	if was == nil {
		return nil, at(StageUsage, fmt.Errorf("it is for Windows %s, and --old-base %s has only %s; name the base that it was built on", orNoVersion(old.OSVersion), oldBase, offered(found.bases)))
	}
	return r.rebaseOnto(ctx, old, was, named, alone)
}

// rebaseOnto finds the newest base of the line that a name belongs to, or the one that
// the user names, and puts the image onto it.
func (r *rebaseRun) rebaseOnto(ctx context.Context, old *servedImage, was *base.Base, named string, alone bool) (*builder.Rebased, error) {
	version := old.OSVersion
	if version == "" && was != nil {
		version = was.OSVersion
	}
	next, err := r.nextBase(ctx, version, named, alone)
	if err != nil {
		return nil, err
	}
	request := builder.RebaseRequest{Image: old.Existing, New: next, Clock: r.clock, AllowOtherBuild: r.Base != "" && alone, Foreign: r.Foreign}
	if was != nil {
		request.OldBase = &builder.Existing{Digest: was.Digest, MediaType: was.MediaType, Manifest: was.Manifest, Config: was.Config}
	}
	return builder.Rebase(request)
}

// nextBase finds the base for a version of Windows.
func (r *rebaseRun) nextBase(ctx context.Context, version, named string, alone bool) (*base.Base, error) {
	ref := r.Base
	if ref == "" {
		var err error
		if ref, err = base.Line(named, version); err != nil {
			return nil, err
		}
	}
	all, err := r.bases.get(ctx, ref)
	if err != nil {
		return nil, err
	}
	if next := ofBuild(all, version); next != nil {
		return next, nil
	}
	switch {
	case r.Base != "" && alone && len(all) == 1:
		return all[0], nil
	case r.Base != "" && !alone:
		return nil, at(StageUsage, fmt.Errorf("an index keeps its builds of Windows, and --base %s has only %s; name a list that has %s too", ref, offered(all), orNoVersion(version)))
	}
	return nil, at(StageBase, fmt.Errorf("it is for Windows %s, and %s has only %s; name the new base with --base", orNoVersion(version), ref, offered(all)))
}

// recordedBase finds the base that an image names, or nil where nobody has it any more.
func (r *rebaseRun) recordedBase(ctx context.Context, record builder.BaseRecord, old *servedImage) (*base.Base, error) {
	ref := record.Name
	if record.Digest != (v1.Hash{}) {
		ref = r.repositoryOfBase(record.Name) + "@" + record.Digest.String()
	} else if line, err := base.Line(ref, old.OSVersion); err != nil || strings.HasSuffix(line, ref) {
		return nil, nil //nolint:nilerr // what its tag names by now need not be what it named; nextBase reports the error
	}
	if !isReference(ref) {
		return nil, nil // nextBase reports it
	}
	found := r.recordedBases(ref).resolve(ctx, ref)
	switch unauthorized := errors.Is(found.err, base.ErrUnauthorized); {
	case errors.Is(found.err, base.ErrNotFound), unauthorized && r.OldBase != "":
		r.Log.Debug(fmt.Sprintf("the old base %s cannot be had: %v", ref, found.err))
		return nil, nil
	case unauthorized:
		return nil, at(StageBase, fmt.Errorf("find the old base: %w\nOr name a copy of it that you may read with --old-base", found.err))
	case found.err != nil:
		return nil, at(StageBase, fmt.Errorf("find the old base: %w", found.err))
	}
	return ofBuild(found.bases, old.OSVersion), nil
}

// repositoryOfBase is where a recorded digest is looked for: the base may have been
// read from a file that came from there, or have no name at all.
func (r *rebaseRun) repositoryOfBase(named string) string {
	for _, ref := range []string{named, r.Base, base.Default} {
		if ref = base.Expand(ref); strings.HasPrefix(ref, "oci:") || strings.HasPrefix(ref, "tar:") {
			continue
		}
		ref, _, _ = strings.Cut(ref, "@")
		if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
			ref = ref[:i]
		}
		return ref
	}
	return ""
}

// recognise is for images that do not say what they were built on: those on the
// newest base of a line show it by their layers.
func (r *rebaseRun) recognise(ctx context.Context, old *servedImage, alone bool) (*builder.Rebased, error) {
	var lines []string
	if r.Base != "" {
		lines = []string{r.Base}
	} else {
		for _, short := range []string{"", "servercore@sha256:" + strings.Repeat("0", 64)} {
			if line, err := base.Line(short, old.OSVersion); err == nil {
				lines = append(lines, line)
			}
		}
	}
	for _, line := range lines {
		found := r.bases.resolve(ctx, line)
		if found.err != nil {
			r.Log.Debug(fmt.Sprintf("%s is not compared with: %v", line, found.err))
			continue
		}
		if b := ofBuild(found.bases, old.OSVersion); b != nil && old.isOn(b) {
			return r.rebaseOnto(ctx, old, b, line, alone)
		}
	}
	return nil, &builder.UnknownBaseError{Problem: "Nothing in the image says what it was built on, and it is not on the newest of " + orNothing(lines) + "."}
}

// isOn tells whether the layers of the base are the first of the image.
func (s *servedImage) isOn(b *base.Base) bool {
	if len(b.Layers) > len(s.layers) {
		return false
	}
	for i, l := range b.Layers {
		if digest, err := l.Digest(); err == nil && digest == s.layers[i] {
			continue
		}
		if diffID, err := l.DiffID(); err != nil || diffID != s.diffIDs[i] {
			return false
		}
	}
	return true
}

// ofBuild is the base of a version's build, or nil. Some tools lose the version of an
// image: then it is the only one there is.
func ofBuild(all []*base.Base, version string) *base.Base {
	if version == "" && len(all) == 1 {
		return all[0]
	}
	for _, b := range all {
		if winver.BuildOf(b.OSVersion) == winver.BuildOf(version) {
			return b
		}
	}
	return nil
}

// offered writes the versions of bases.
func offered(all []*base.Base) string {
	versions := make([]string, 0, len(all))
	for _, b := range all {
		versions = append(versions, orNoVersion(b.OSVersion))
	}
	return strings.Join(versions, ", ")
}

func orNoVersion(version string) string {
	if version == "" {
		return "without a version"
	}
	return builder.Printable(version)
}

func orNothing(all []string) string {
	if len(all) == 0 {
		return "any line"
	}
	return strings.Join(all, " or ")
}
