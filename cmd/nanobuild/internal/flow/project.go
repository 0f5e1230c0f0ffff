package flow

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/builder/git"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/publish"
)

// DotnetOptions are the settings of the dotnet run.
type DotnetOptions struct {
	Program           string // "" means dotnet from PATH
	Configuration     string
	Framework         string
	RuntimeIdentifier string
	SelfContained     string // "true" or "false"; "" leaves it to Properties, and to the default, true
	Properties        []string
	NoRestore, Locked bool
	Extra             []string // passed on as they are
	CI                bool     // leave no build servers behind
	// Annotate, if set, is shown each diagnostic too, such as for GitHub's pages.
	Annotate func(dotnet.Diagnostic)
}

// project is one argument of publish on its way to an image.
type project struct {
	argument  string // as the user wrote it
	path      string // absolute
	program   string // which one of a publish folder; "" leaves it to the folder
	target    dotnet.Target
	published outcome // of dotnet
	app       *dotnet.Result
	container builder.Container
	bases     []string // references
	spec      *builder.Spec
	source    builder.Source
	root      string // of the repository that holds the project; "" for none
	goal      goal
	result    *builder.Result
	prepared  *publish.Prepared
	// description is what SBOM and provenance are made of; nil where nobody wants them.
	description *description
}

// locate says what each argument is, before anything runs.
func locate(arguments []string, workDir string, entrypoint []string) ([]*project, error) {
	projects := make([]*project, 0, len(arguments))
	for _, a := range arguments {
		path := a
		if !filepath.IsAbs(path) {
			path = filepath.Join(workDir, path)
		}
		p := &project{argument: a, path: path, published: newOutcome()}
		if err := p.locate(entrypoint, workDir); err != nil {
			return nil, dotnetError(err)
		}
		for _, other := range projects {
			if other.target == p.target {
				return nil, at(StageUsage, fmt.Errorf("%s and %s are the same project; name it once", other.argument, a))
			}
		}
		projects = append(projects, p)
	}
	return projects, nil
}

// locate finds out what the argument is. The user's entry point chooses between
// several programs of a publish folder; with the base's entry point a folder
// needs none.
func (p *project) locate(entrypoint []string, workDir string) (err error) {
	switch {
	case len(entrypoint) == 0:
	case entrypoint[0] != builder.EntrypointOfBase:
		p.program = entrypoint[0]
	default:
		if p.target, err = dotnet.Locate(p.path, "", workDir); err == nil {
			return nil
		}
		p.program = builder.EntrypointOfBase
	}
	p.target, err = dotnet.Locate(p.path, p.program, workDir)
	return err
}

// prepare runs dotnet for the project, and has the image made. That begins when
// everything is published, while dotnet still ends.
func (r *run) prepare(ctx context.Context, p *project, spawn func(func() error)) error {
	source, clock, err := r.sourceOf(ctx, p)
	if err != nil {
		return err
	}
	begun := make(chan error, 1)
	started := r.Now()
	begin := func(app *dotnet.Result) {
		took := r.Now().Sub(started)
		r.Log.Info(fmt.Sprintf("%s: published, %s, %s", p.argument, filesText(len(app.Origins)), secondsText(took)),
			"files", len(app.Origins), "seconds", took.Seconds())
		begun <- r.begin(ctx, p, app, source, clock, spawn)
	}
	req := r.request(p, source.Commit != "")
	early := false
	req.Ready = func(app *dotnet.Result) {
		early = true
		go begin(app)
	}
	if p.target.Kind != dotnet.Folder {
		r.Log.Info(p.argument + ": dotnet publish")
	}
	app, err := dotnet.Publish(ctx, req)
	p.published.end(err)
	if err != nil {
		if early {
			if also := <-begun; also != nil {
				r.Log.Debug(fmt.Sprintf("%s: %v", p.argument, also))
			}
		}
		return dotnetError(err)
	}
	if !early {
		begin(app)
	}
	return <-begun
}

// sourceOf finds out what the project is built from, before dotnet adds files to
// its folder.
func (r *run) sourceOf(ctx context.Context, p *project) (builder.Source, layers.Clock, error) {
	state, warnings, err := git.Inspect(ctx, r.Git, r.Environ, p.target.Dir)
	if err != nil {
		return builder.Source{}, layers.Clock{}, fmt.Errorf("read the git repository of %s: %w", p.argument, err)
	}
	r.warn(warnings...)
	var source builder.Source
	var committed *int64
	if state != nil {
		source = builder.Source{Commit: state.Commit, Dirty: state.Dirty, Remote: state.Remote}
		committed = &state.Time
		p.root = state.Root
	}
	clock, err := builder.ResolveClock(r.Created, r.Epoch, committed)
	return source, clock, at(StageUsage, err)
}

// begin decides everything about the project's image but the bytes, and begins to
// deliver it.
func (r *run) begin(ctx context.Context, p *project, app *dotnet.Result, source builder.Source, clock layers.Clock, spawn func(func() error)) (err error) {
	p.app, p.source = app, source
	r.warn(app.Notices...)
	var warnings []string
	p.container, warnings, err = builder.ReadContainer(app)
	r.warn(warnings...)
	if err != nil {
		return at(StageUsage, err)
	}
	p.spec, warnings, err = builder.Configure(app, p.container, r.Image, source, clock)
	r.warn(warnings...)
	if err != nil {
		return at(StageUsage, err)
	}
	p.spec.Foreign = r.Targets.Foreign
	if p.bases, err = r.basesOf(p); err != nil {
		return at(StageUsage, err)
	}
	if p.goal, err = r.goalOf(p); err != nil {
		return at(StageUsage, err)
	}
	if err := r.checkSignable(p); err != nil {
		return at(StageUsage, err)
	}
	if !r.Targets.known() {
		spawn(func() error { return checkSinks(ctx, p.goal.sinks) })
	}
	spawn(func() error { return r.deliver(ctx, p, spawn) })
	return nil
}

func (r *run) request(p *project, inGit bool) dotnet.Request {
	o := r.Dotnet
	return dotnet.Request{
		Project: p.path, Dotnet: o.Program, Configuration: o.Configuration, Framework: o.Framework,
		RuntimeIdentifier: o.RuntimeIdentifier, SelfContained: o.selfContained(), Properties: o.Properties, NoRestore: o.NoRestore,
		Locked: o.Locked, Extra: o.Extra, Env: r.Environ, WorkDir: r.WorkDir, TempDir: r.temp.path,
		CI: o.CI, InGit: inGit, Entrypoint: p.program,
		Diagnostics: r.diagnostic,
		Output:      func(line string) { r.Log.Info(line, RawLine, true) },
	}
}

// RawLine marks a record whose message is another program's line, to be shown
// as it is.
const RawLine = "raw"

func (r *run) diagnostic(d dotnet.Diagnostic) {
	show := r.Log.Warn
	if d.Severity == "error" {
		show = r.Log.Error
	}
	show(d.String(), RawLine, true)
	if r.Dotnet.Annotate != nil {
		r.Dotnet.Annotate(d)
	}
}

func dotnetError(err error) error {
	if refused := (*dotnet.Refusal)(nil); errors.As(err, &refused) {
		return at(StageUsage, err)
	}
	return at(StageDotnet, err)
}
