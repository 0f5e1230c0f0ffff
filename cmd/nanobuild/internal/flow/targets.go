package flow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/publish"
)

// Targets are the places a user named for the images of a run.
type Targets struct {
	Repo     string   // repository; for several projects a prefix that ends in "/"
	Tags     []string // none means the project's, else latest
	Layouts  []string // DIR[:tag]
	Tarballs []string // FILE
	NoPush   bool     // leave registries alone
}

// checkNames finds mistakes in the names that flags give, before anything runs.
func (r *run) checkNames() error {
	t := r.Targets
	for _, tag := range t.Tags {
		if err := publish.ParseTag(tag); err != nil {
			return err
		}
	}
	switch {
	case t.Repo == "":
	case t.prefix():
		_, err := publish.ParsePrefix(t.Repo, r.plainHTTP)
		return err
	case len(r.Projects) > 1:
		return fmt.Errorf("--repo %s names one repository for %d projects; end it in / to put each under its own name: --repo %s/", t.Repo, len(r.Projects), t.Repo)
	default:
		_, err := publish.ParseRepo(t.Repo, r.plainHTTP)
		return err
	}
	return nil
}

// prefix says whether Repo is one for several images.
func (t Targets) prefix() bool { return strings.HasSuffix(t.Repo, "/") }

// goal is where one image goes.
type goal struct {
	name  string // of the image: a repository with or without a host
	tags  []string
	sinks []publish.Sink // the one whose reference is printed first
}

// goalOf decides where the project's image goes: what flags say, else what the
// project says, else a layout beside the project.
func (r *run) goalOf(p *project) (goal, error) {
	g := goal{tags: r.tagsOf(p)}
	for _, tag := range g.tags {
		if err := publish.ParseTag(tag); err != nil {
			return goal{}, err
		}
	}
	repo, err := r.repositoryOf(p)
	if err != nil {
		return goal{}, err
	}
	g.name = repo.name
	if repo.push != nil && !r.Targets.NoPush {
		sink, err := r.registrySink(*repo.push)
		if err != nil {
			return goal{}, err
		}
		g.sinks = append(g.sinks, sink)
	}
	for _, l := range r.Targets.Layouts {
		g.sinks = append(g.sinks, r.layoutSink(l, g.name))
	}
	for _, file := range r.Targets.Tarballs {
		sink, err := r.tarballSink(file, g.name)
		if err != nil {
			return goal{}, err
		}
		g.sinks = append(g.sinks, sink)
	}
	if len(g.sinks) == 0 {
		err = r.fallback(p, &g)
	}
	return g, err
}

func (r *run) tagsOf(p *project) []string {
	switch {
	case len(r.Targets.Tags) > 0:
		return r.Targets.Tags
	case len(p.container.Tags) > 0:
		return p.container.Tags
	}
	return []string{"latest"}
}

// repository is the name of an image, and the place to push it to if there is
// one.
type repository struct {
	name string
	push *name.Repository
}

func (r *run) repositoryOf(p *project) (repository, error) {
	if r.Targets.Repo != "" && !r.Targets.prefix() {
		return r.pushed(r.Targets.Repo)
	}
	host, prefix := publish.SplitRegistry(p.container.Registry)
	own, err := r.ownName(p, host)
	if err != nil {
		return repository{}, err
	}
	switch {
	case r.Targets.prefix():
		return r.pushed(r.Targets.Repo + own)
	case host == "" || len(r.Targets.Layouts)+len(r.Targets.Tarballs) > 0:
		return repository{name: own}, nil
	}
	return r.pushed(host + "/" + prefix + own)
}

// ownName is the repository name that the project gives its image.
func (r *run) ownName(p *project, host string) (string, error) {
	wish := p.container.Repository
	if wish == "" {
		wish = p.app.Name
	}
	wish, cut := publish.StripRegistry(host, wish)
	if cut {
		r.Log.Info(fmt.Sprintf("%s: ContainerRepository repeats the registry %s; it counts once", p.argument, host))
	}
	own, err := publish.RepositoryName(wish)
	if err == nil && p.container.Repository == "" {
		r.Log.Info(fmt.Sprintf("%s: the image is named %s, after the assembly %s", p.argument, own, p.app.Name))
	}
	return own, err
}

func (r *run) pushed(repo string) (repository, error) {
	parsed, err := publish.ParseRepo(repo, r.plainHTTP)
	if err != nil {
		return repository{}, err
	}
	return repository{name: parsed.Name(), push: &parsed}, nil
}

func (r *run) registrySink(repo name.Repository) (publish.Sink, error) {
	return publish.NewRegistry(repo, publish.RegistryOptions{
		Transport: r.Transport, Keychain: r.keychainFor(repo.RegistryStr()),
		PlainHTTP: r.plainHTTP, UserAgent: r.UserAgent,
	})
}

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

// tarballSink is the archive FILE, or NAME.tar.gz in a folder.
func (r *run) tarballSink(file, image string) (publish.Sink, error) {
	path := r.absolute(file)
	info, err := os.Stat(path)
	folder := strings.HasSuffix(file, "/") || strings.HasSuffix(file, string(filepath.Separator)) || err == nil && info.IsDir()
	if folder {
		path = filepath.Join(path, image[strings.LastIndexByte(image, '/')+1:]+".tar.gz")
	} else if len(r.projects) > 1 {
		return nil, fmt.Errorf("the tarball %s cannot hold the images of %d projects; name a folder: %s/", file, len(r.projects), file)
	}
	return publish.NewTarball(path, []string{image}, publish.TarballOptions{}), nil
}

func (r *run) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.WorkDir, path)
}

// fallback is the place of an image for which nobody named one.
func (r *run) fallback(p *project, g *goal) error {
	if archive := p.container.Archive; archive != "" {
		if !filepath.IsAbs(archive) {
			archive = filepath.Join(p.app.ProjectDir, archive)
		}
		sink, err := r.tarballSink(archive, g.name)
		g.sinks = append(g.sinks, sink)
		return err
	}
	dir := filepath.Join(r.WorkDir, "nanobuild-out")
	if p.target.Kind == dotnet.ProjectFile {
		dir = filepath.Join(p.target.Dir, "bin", "nanobuild")
	}
	g.sinks = append(g.sinks, r.layoutSink(dir, g.name))
	r.Log.Info(fmt.Sprintf("%s: no --repo, --oci-layout or --tarball: the image goes into the OCI layout %s", p.argument, dir))
	return nil
}

// uniqueNames refuses images that would overwrite each other.
func (r *run) uniqueNames() error {
	seen := map[string]string{}
	for _, p := range r.projects {
		if other, ok := seen[p.goal.name]; ok {
			return at(StageUsage, fmt.Errorf("%s and %s would both become the image %s; set ContainerRepository in one of them", other, p.argument, p.goal.name))
		}
		seen[p.goal.name] = p.argument
	}
	return nil
}

// checkTargets looks, beside dotnet's first second, whether the places that flags
// name can be written.
func (r *run) checkTargets(ctx context.Context) error {
	t := r.Targets
	var sinks []publish.Sink
	if t.Repo != "" && !t.NoPush && !t.prefix() {
		repo, err := r.pushed(t.Repo)
		if err != nil {
			return at(StageUsage, err)
		}
		sink, err := r.registrySink(*repo.push)
		if err != nil {
			return at(StagePush, err)
		}
		sinks = append(sinks, sink)
	}
	for _, l := range t.Layouts {
		sinks = append(sinks, r.layoutSink(l, "check"))
	}
	return checkSinks(ctx, sinks)
}

func checkSinks(ctx context.Context, sinks []publish.Sink) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range sinks {
		g.Go(func() error { return pushError(errors.Join(s.Check(ctx), s.Close())) })
	}
	return g.Wait()
}

// pushError tells wrong names, and a base that stops halfway, from places that
// cannot be written.
func pushError(err error) error {
	usage, source := (*publish.UsageError)(nil), (*publish.SourceError)(nil)
	switch {
	case errors.As(err, &usage):
		return at(StageUsage, err)
	case errors.As(err, &source): // only layers of the base come from elsewhere
		return at(StageBase, err)
	}
	return at(StagePush, err)
}
