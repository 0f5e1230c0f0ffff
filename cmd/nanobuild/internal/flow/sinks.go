package flow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/publish"
)

// layoutSink is the layout of DIR[:tag]; a tag there names the image in this
// layout, whatever its tags are elsewhere.
func (r *run) layoutSink(place, image string) publish.Sink {
	dir, tag := splitLayout(place)
	refName := func(t string) string { return image + ":" + t }
	if tag != "" {
		refName = func(string) string { return tag }
	}
	return publish.NewLayout(r.absolute(dir), publish.LayoutOptions{Repository: image, RefName: refName})
}

// splitLayout cuts the tag off DIR:tag. A colon before a separator belongs to the
// folder, as in C:\dir.
func splitLayout(place string) (dir, tag string) {
	i := strings.LastIndexByte(place, ':')
	if i < 0 || publish.ParseTag(place[i+1:]) != nil || len(place[:i]) == 1 && filepath.VolumeName(place) != "" {
		return place, ""
	}
	return place[:i], place[i+1:]
}

// tarballSink is the archive FILE, or REPOSITORY.tar.gz in a folder.
func (r *run) tarballSink(file string, image repository) publish.Sink {
	path := r.absolute(file)
	if r.isFolder(file) {
		path = filepath.Join(path, filepath.FromSlash(image.path)+".tar.gz")
	}
	return publish.NewTarball(path, []string{image.name}, publish.TarballOptions{})
}

// isFolder says whether a path is that of a folder that exists, or of one by its
// spelling.
func isFolder(workDir, path string) bool {
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) {
		return true
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(workDir, path)
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (r *run) isFolder(path string) bool { return isFolder(r.WorkDir, path) }

func oneTarball(file string, projects int) error {
	return fmt.Errorf("the tarball %s cannot hold the images of %d projects; name a folder: %s/", file, projects, file)
}

func (r *run) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.WorkDir, path)
}

// fallback is the place of an image for which nobody named one.
func (r *run) fallback(p *project, image repository) (publish.Sink, error) {
	if archive := p.container.Archive; archive != "" {
		if !filepath.IsAbs(archive) {
			archive = filepath.Join(p.app.ProjectDir, archive) + trailing(archive)
		}
		if len(r.projects) > 1 && !r.isFolder(archive) {
			return nil, oneTarball(archive, len(r.projects))
		}
		return r.tarballSink(archive, image), nil
	}
	dir := filepath.Join(r.WorkDir, "nanobuild-out")
	if p.target.Kind == dotnet.ProjectFile {
		dir = filepath.Join(p.target.Dir, "bin", "nanobuild")
	}
	why := "no --repo, --oci-layout or --tarball"
	if image.push != nil { // and NoPush
		why = "--push=false"
	}
	r.Log.Info(fmt.Sprintf("%s: %s: the image goes into the OCI layout %s", p.argument, why, dir))
	return r.layoutSink(dir, image.name), nil
}

// trailing keeps the separator that Join removes: it says that a path is meant
// to be a folder.
func trailing(path string) string {
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, `\`) {
		return string(filepath.Separator)
	}
	return ""
}

// checkTargets looks, beside dotnet's first second, whether the places that flags
// name can be written.
func (r *run) checkTargets(ctx context.Context) error {
	t := r.Targets
	var sinks []publish.Sink
	d, err := r.namedDestination()
	if err != nil {
		return at(StagePush, err)
	}
	if d != nil {
		sinks = append(sinks, d)
	}
	for _, l := range t.Layouts {
		sinks = append(sinks, r.layoutSink(l, "check"))
	}
	for _, file := range t.Tarballs {
		sinks = append(sinks, r.tarballSink(file, repository{name: "check", path: "check"}))
	}
	return checkSinks(ctx, sinks)
}

func checkSinks(ctx context.Context, sinks []publish.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range sinks {
		g.Go(func() error { return pushError(s.Check(ctx)) })
	}
	return g.Wait()
}

// pushError tells wrong names, and a base that stops halfway, from places that
// cannot be written.
func pushError(err error) error {
	usage, source, damaged := (*publish.UsageError)(nil), (*publish.SourceError)(nil), (*publish.MismatchError)(nil)
	switch {
	case errors.As(err, &usage):
		return at(StageUsage, err)
	case errors.As(err, &source), errors.As(err, &damaged): // of the base: see fromOurs
		return at(StageBase, err)
	}
	return at(StagePush, err)
}
