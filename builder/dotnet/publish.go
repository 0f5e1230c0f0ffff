package dotnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet/program"
	"github.com/nanobuild/nanobuild/layers"
)

// Publish runs dotnet publish once and describes what it made; a folder that was
// published before is only read. The files are in a new folder below
// req.TempDir, which is removed again when Publish fails. It fails with *Refusal
// for input that cannot become an image, with *Failure where dotnet is missing
// or fails, and with ctx's cause when that ends first.
func Publish(ctx context.Context, req Request) (*Result, error) {
	target, err := Locate(req.Project, req.Entrypoint, req.WorkDir)
	if err != nil {
		return nil, err
	}
	if target.Kind == Folder {
		return readFolder(target, req.SelfContained)
	}
	p, err := newPlan(req, target)
	if err != nil {
		return nil, err
	}
	result, err := p.run(ctx)
	var single *singleFramework
	if errors.As(err, &single) {
		p.framework, p.req.Framework = single.name, single.name
		return p.run(ctx)
	}
	return result, err
}

// run makes the folders of one run, and removes them if it fails.
func (p *plan) run(ctx context.Context) (result *Result, err error) {
	exe, err := p.findDotnet()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(p.req.TempDir, "dotnet-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the output of dotnet: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir) // what is still read stays for the caller, who owns the folder
		}
	}()
	// dotnet names its files by absolute paths.
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("make a folder for the output of dotnet: %w", err)
	}
	// MSBuild splits the name of the result file at these, and knows no escape.
	if strings.ContainsAny(dir, `,;"`) {
		return nil, refuse("set TMPDIR (TMP on Windows) to another one",
			"the temporary folder %s has a comma, semicolon or quote in its name, which dotnet cannot handle", p.req.TempDir)
	}
	p.publishDir = folder(filepath.Join(dir, "publish"))
	p.result = filepath.Join(dir, "result.json")
	p.targets = filepath.Join(dir, "nanobuild.targets")
	if err := p.writeTargets(); err != nil {
		return nil, err
	}
	return p.build(ctx, exe)
}

func (p *plan) findDotnet() (string, error) {
	name := orDefault(p.req.Dotnet, "dotnet")
	exe, err := program.Find(name, p.req.WorkDir, p.req.Env)
	if err != nil {
		return "", &Failure{
			Action: p.action(), Reason: err.Error(), ExitCode: -1, Err: err,
			Remedy: "install the .NET SDK (https://dotnet.microsoft.com/download), or name it with --dotnet PATH",
		}
	}
	return exe, nil
}

func (p *plan) action() string { return "dotnet publish " + p.name() }

// name is the project as messages show it.
func (p *plan) name() string { return below(p.req.WorkDir, p.target.File) }

// build runs dotnet and reads its answer. Exit code 0 alone is no success: dotnet
// ends with it after SIGTERM too.
func (p *plan) build(ctx context.Context, exe string) (*Result, error) {
	out := newOutput(p.req, p.target.File)
	cmd := command{program: exe, args: p.args(), dir: p.target.Dir, env: environment(p.req.Env), grace: graceTime}
	early := p.watch()
	code, err := cmd.run(ctx, out)
	result := early.stop()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", p.action(), err)
	}
	if err != nil {
		return nil, &Failure{Action: p.action(), Reason: err.Error(), ExitCode: code, Err: err}
	}
	if code != 0 {
		return nil, p.failed(code, out)
	}
	if result != nil {
		return result, nil
	}
	answer, err := readResult(p.result)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, p.incomplete(code, out, "it ended without a result, as if it had been stopped from outside")
	}
	if err != nil {
		return nil, p.incomplete(code, out, err.Error())
	}
	if len(answer.Items[publishItems]) == 0 {
		return nil, p.incomplete(code, out, "it published no files")
	}
	return p.describe(answer)
}

func (p *plan) incomplete(code int, out *output, reason string) error {
	f := p.failure(code, out)
	f.Reason = reason
	return f
}

// describe makes the result from the folder and the answer.
func (p *plan) describe(answer *evaluation) (*Result, error) {
	name := answer.Properties["AssemblyName"]
	result := &Result{
		Dir: filepath.Clean(p.publishDir), Name: name,
		ProjectFile: p.target.File, ProjectDir: p.target.Dir,
		SDKVersion: answer.Properties["NETCoreSdkVersion"],
		Properties: answer.Properties, Items: answer.Items,
		Origins: map[string]layers.Origin{},
	}
	files, err := listFiles(result.Dir)
	if err != nil {
		return nil, err
	}
	classes := newClassifier(answer)
	for _, file := range files {
		result.Origins[file] = classes.origin(file)
	}
	result.EntryPoint = name + orDefault(answer.Properties["_NativeExecutableExtension"], ".exe")
	if _, ok := result.Origins[result.EntryPoint]; !ok {
		return nil, &Failure{
			Action: p.action(), ExitCode: 0,
			Reason: fmt.Sprintf("the program %s is not among the %d files it published", result.EntryPoint, len(files)),
			Remedy: "if the project sets UseAppHost=false, publish it with -p UseAppHost=true",
		}
	}
	if result.Runtime, err = projectRuntime(result, answer); err != nil {
		return nil, err
	}
	result.Notices = append(p.notices, buildNotices(answer)...)
	return result, nil
}

// listFiles returns the slash paths of all files of a folder, sorted.
func listFiles(dir string) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("list the published files: %w", err)
	}
	defer root.Close()
	var files []string
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the published files: %w", err)
	}
	return files, nil
}
