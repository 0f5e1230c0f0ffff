package flow

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/publish"
)

// Targets are the places a user named for the images of a run.
type Targets struct {
	Repo     string   // repository; for several projects a prefix that ends in "/"
	Tags     []string // none means the project's, else latest
	Layouts  []string // DIR[:tag]
	Tarballs []string // FILE
	NoPush   bool     // leave registries alone
	Foreign  bool     // take the layers along that their licence once kept out of registries
}

// known says whether checkTargets has seen all targets before dotnet ended.
func (t Targets) known() bool {
	return !t.prefix() && (t.Repo != "" && !t.NoPush || len(t.Layouts)+len(t.Tarballs) > 0)
}

// prefix says whether Repo is one for several images.
func (t Targets) prefix() bool { return strings.HasSuffix(t.Repo, "/") }

// goal is where one image goes.
type goal struct {
	image repository
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
	var err error
	if g.image, err = r.repositoryOf(p); err != nil {
		return goal{}, err
	}
	if g.image.push != nil && !r.Targets.NoPush {
		sink, err := r.destination(*g.image.push)
		if err != nil {
			return goal{}, err
		}
		g.sinks = append(g.sinks, sink)
	}
	for _, l := range r.Targets.Layouts {
		g.sinks = append(g.sinks, r.layoutSink(l, g.image.name))
	}
	for _, file := range r.Targets.Tarballs {
		g.sinks = append(g.sinks, r.tarballSink(file, g.image))
	}
	if len(g.sinks) > 0 {
		return g, nil
	}
	sink, err := r.fallback(p, g.image)
	g.sinks = append(g.sinks, sink)
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
	name string // with a host if it has one
	path string // without
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
		return repository{name: own, path: own}, nil
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
	parsed, err := publish.ParseRepo(repo)
	if err != nil {
		return repository{}, err
	}
	// The client library has an old name for Docker Hub, which containerd never has.
	full := strings.Replace(parsed.Name(), name.DefaultRegistry+"/", "docker.io/", 1)
	return repository{name: full, path: parsed.RepositoryStr(), push: &parsed}, nil
}

// uniqueNames refuses images that would overwrite each other.
func (r *run) uniqueNames() error {
	seen := map[string]string{}
	for _, p := range r.projects {
		if other, ok := seen[p.goal.image.name]; ok {
			return at(StageUsage, fmt.Errorf("%s and %s would both become the image %s; set ContainerRepository in one of them", other, p.argument, p.goal.image.name))
		}
		seen[p.goal.image.name] = p.argument
	}
	return nil
}
