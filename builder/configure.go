package builder

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

// Configure merges what the user asked for, what the project says and the
// defaults, in this order of precedence, into the spec of an image. It reads
// the settings files in the application's folder, and returns warnings. It
// fails with an *InputError when something cannot be part of a Windows image.
func Configure(app *dotnet.Result, c Container, o Overrides, src Source, clock layers.Clock) (*Spec, []string, error) {
	root, err := os.OpenRoot(app.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("open the published application: %w", err)
	}
	defer root.Close()
	f := configurer{app: app, c: c, o: o, src: src, files: root.FS(), spec: &Spec{Generate: c.Generate, Single: o.Single, Clock: clock}}
	if o.Base == "" {
		f.warnings = append(f.warnings, c.baseWarnings...)
	}
	if len(o.Tags) == 0 {
		f.warnings = append(f.warnings, c.tagWarnings...)
	}
	for _, step := range []func() error{f.folders, f.entry, f.variables, f.network, f.user, f.annotations, f.compression, f.labels} {
		if err := step(); err != nil {
			return nil, f.warnings, err
		}
	}
	return f.spec, f.warnings, f.spec.Validate()
}

// configurer fills a spec.
type configurer struct {
	app      *dotnet.Result
	c        Container
	o        Overrides
	src      Source
	files    fs.FS
	spec     *Spec
	warnings []string
}

func (f *configurer) warn(format string, args ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}

// folders decides where the application lives and works.
func (f *configurer) folders() error {
	if err := f.appDir(); err != nil {
		return err
	}
	for _, w := range f.o.Writable {
		dir, err := f.below("--writable", w)
		if err != nil {
			return err
		}
		f.spec.Writable = append(f.spec.Writable, dir)
	}
	f.spec.WorkDir = f.spec.AppDir
	if f.o.Workdir == "" {
		return nil
	}
	if isDriveRoot(f.o.Workdir) {
		f.spec.WorkDir = `C:\`
		return nil
	}
	dir, err := f.below("--workdir", f.o.Workdir)
	f.spec.WorkDir = dir
	return err
}

func (f *configurer) appDir() error {
	what, dir := "--app-dir", f.o.AppDir
	if dir == "" {
		what, dir = "ContainerWorkingDirectory", f.c.WorkingDirectory
	}
	if dir == "" {
		f.spec.AppDir = defaultAppDir
		return nil
	}
	full, err := windowsPath(what, dir)
	if err != nil {
		return err
	}
	if strings.HasPrefix(dir, "/") {
		f.warn("%s %q is a path of Linux; it is taken as %s.", what, dir, full)
	}
	if strings.EqualFold(full, defaultAppDir) {
		full = defaultAppDir // one spelling, so that layers are shared
	} else {
		f.warn("%s puts the application into %s instead of %s, so its layers cannot be shared with images of other applications. Use --workdir if only the working directory shall differ.", what, full, defaultAppDir)
	}
	f.spec.AppDir = full
	return checkOwn(what, full, nil)
}

// below returns a folder in full; a relative one lies in the application's.
func (f *configurer) below(what, dir string) (string, error) {
	if !strings.ContainsRune(dir, ':') && !strings.HasPrefix(dir, "/") && !strings.HasPrefix(dir, `\`) {
		dir = joinWindows(f.spec.AppDir, dir)
	}
	full, err := windowsPath(what, dir)
	if err != nil {
		return "", err
	}
	return full, checkOwn(what, full, nil)
}

func isDriveRoot(p string) bool {
	s := strings.ReplaceAll(p, `\`, "/")
	return strings.EqualFold(s, "C:/") || s == "/"
}

// entry decides which program starts, and with which arguments.
func (f *configurer) entry() error {
	e, err := f.entryOf()
	if err != nil {
		return err
	}
	if len(f.o.Cmd) > 0 {
		e.Cmd, e.KeepCmd = f.o.Cmd, false
	}
	f.spec.Entry = e
	return f.checkProgram(e)
}

func (f *configurer) entryOf() (Entry, error) {
	if len(f.o.Entrypoint) > 0 {
		return f.givenEntry()
	}
	program := ""
	if f.app.EntryPoint != "" {
		program = joinWindows(f.spec.AppDir, f.app.EntryPoint)
	}
	commands, warnings := f.c.Commands.translate(f.app, f.spec.AppDir)
	f.warnings = append(f.warnings, warnings...)
	e, err := commands.entry(program)
	if err == nil && program == "" && e.KeepEntrypoint && commands.Instruction == "" {
		return Entry{}, input("Name the program with --entrypoint.", "%s does not say which program to start.", f.app.Dir)
	}
	return e, err
}

// givenEntry is what the user asked to start, if anything.
func (f *configurer) givenEntry() (Entry, error) {
	argv := slices.Clone(f.o.Entrypoint)
	switch {
	case len(argv) == 0:
		return Entry{}, nil
	case len(argv) == 1 && argv[0] == EntrypointOfBase:
		return Entry{KeepEntrypoint: true, KeepCmd: true}, nil
	case argv[0] == "":
		return Entry{}, input(`Name a program, such as C:\app\App.exe.`, "The value of --entrypoint is empty.")
	case strings.HasPrefix(argv[0], "/"):
		return Entry{}, input(`Write it as C:\app\App.exe.`, "--entrypoint %q is a path of Linux.", argv[0])
	case isDriveRelative(argv[0]):
		return Entry{}, input("Write it as C:/app/App.exe: shells take backslashes away outside of quotes.", "--entrypoint %q has no slash behind its drive.", argv[0])
	}
	argv[0] = backslashes(argv[0])
	return Entry{Entrypoint: argv}, nil
}

// checkProgram refuses a program of the application's folder that is not there.
func (f *configurer) checkProgram(e Entry) error {
	if len(e.Entrypoint) == 0 {
		return nil
	}
	program := e.Entrypoint[0]
	folder := f.spec.AppDir + `\`
	if len(program) < len(folder) || !strings.EqualFold(program[:len(folder)], folder) {
		return nil
	}
	rel := strings.ReplaceAll(program[len(folder):], `\`, "/")
	if existsFold(f.files, rel) {
		return nil
	}
	remedy := "Look at its spelling."
	if existsFold(f.files, rel+".exe") {
		remedy = "Write " + program + ".exe."
	}
	return input(remedy, "The program %s is not part of the published application.", program)
}

// existsFold reports whether a slash path names a file, in whatever case.
func existsFold(fsys fs.FS, p string) bool {
	dir, isFile := ".", false
	for part := range strings.SplitSeq(path.Clean(p), "/") {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return false
		}
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return strings.EqualFold(e.Name(), part) })
		if i < 0 {
			return false
		}
		dir, isFile = path.Join(dir, entries[i].Name()), !entries[i].IsDir()
	}
	return isFile
}

// variables merges the environment.
func (f *configurer) variables() error {
	asked, err := parseEnv(f.o.Env)
	if err != nil {
		return err
	}
	f.spec.Env = mergeEnv([]Var{{"DOTNET_RUNNING_IN_CONTAINER", "true"}}, f.c.Env, asked)
	f.warnings = append(f.warnings, pathWarning(f.spec.Env)...)
	return nil
}

// network decides the ports that were asked for, and reads what else decides
// where a web application listens.
func (f *configurer) network() error {
	ports, err := parsePorts("--port", f.o.Ports)
	if err != nil {
		return err
	}
	if len(ports) == 0 {
		ports = f.c.Ports
	}
	f.spec.Ports = ports
	if isWeb(f.app, newProperties(f.app)) {
		var warnings []string
		f.spec.Web, warnings = readWeb(f.app, f.files, f.spec.Env)
		f.warnings = append(f.warnings, warnings...)
	}
	return nil
}

// user decides whom the program runs as. One of Linux is refused when the user
// asks for it; a project may have it for its Linux images.
func (f *configurer) user() error {
	what, name := "--user", f.o.User
	if name == "" {
		what, name = "ContainerUser", f.c.User
	}
	if name == "" {
		return nil
	}
	warning, err := checkUser(what, name)
	if err != nil && what == "ContainerUser" {
		f.warn("ContainerUser %q is ignored, because it is a user of Linux; the base's user stays.", name)
		return nil
	}
	if warning != "" {
		f.warn("%s", warning)
	}
	f.spec.User = name
	return err
}

func (f *configurer) annotations() error {
	format, err := parseFormat("--format", f.o.Format)
	if err != nil {
		return err
	}
	if format == "" {
		format = f.c.Format
	}
	f.spec.Format = format
	f.spec.Annotations, err = parseVars("--annotation", f.o.Annotations)
	return err
}

func (f *configurer) compression() error {
	c, err := layers.ParseCompression(string(f.o.Compression))
	if err != nil {
		return input("Use gzip, which every runtime reads, or zstd with --format oci.", "--compression %s is unknown.", f.o.Compression)
	}
	f.spec.Compression = c
	if c == layers.Zstd && f.spec.Format == FormatDocker {
		return dockerZstdLayers()
	}
	return nil
}

// labels merges what is generated, what the project says, and what the user
// asked for.
func (f *configurer) labels() error {
	asked, err := parseVars("--label", f.o.Labels)
	if err != nil {
		return err
	}
	created := f.spec.Clock.Created().Format(time.RFC3339)
	f.spec.Labels = slices.Concat(f.c.About, sourceLabels(f.c.Generate, f.src, created), f.c.Labels, asked)
	return nil
}
