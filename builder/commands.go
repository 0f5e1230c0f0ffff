package builder

import (
	"path"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// Commands are the items of a project that say how its container starts:
// https://learn.microsoft.com/dotnet/core/containers/publish-configuration#containerappcommandinstruction.
type Commands struct {
	Entrypoint     []string // ContainerEntrypoint
	EntrypointArgs []string // ContainerEntrypointArgs
	AppCommand     []string // ContainerAppCommand; the program if there is none
	AppCommandArgs []string // ContainerAppCommandArgs
	DefaultArgs    []string // ContainerDefaultArgs
	Instruction    string   // ContainerAppCommandInstruction: Entrypoint, DefaultArgs, None or ""
}

// Entry is how a container starts.
type Entry struct {
	Entrypoint     []string // one element of argv each
	Cmd            []string // none removes the base's
	KeepEntrypoint bool     // the base's Entrypoint stays
	KeepCmd        bool     // the base's Cmd stays
}

// The values of ContainerAppCommandInstruction.
const (
	asEntrypoint  = "Entrypoint"
	asDefaultArgs = "DefaultArgs"
	asNone        = "None"
)

func (r *reader) commands(c *Container) error {
	names := func(item string) []string {
		found := r.items(item)
		out := make([]string, 0, len(found))
		for _, i := range found {
			out = append(out, i.Identity)
		}
		return out
	}
	c.Commands = Commands{
		Entrypoint:     names("ContainerEntrypoint"),
		EntrypointArgs: names("ContainerEntrypointArgs"),
		AppCommand:     names("ContainerAppCommand"),
		AppCommandArgs: names("ContainerAppCommandArgs"),
		DefaultArgs:    names("ContainerDefaultArgs"),
	}
	value := r.props.get("ContainerAppCommandInstruction")
	for _, known := range []string{"", asEntrypoint, asDefaultArgs, asNone} {
		if strings.EqualFold(value, known) {
			c.Commands.Instruction = known
			return nil
		}
	}
	return input("Use Entrypoint, DefaultArgs or None.", "ContainerAppCommandInstruction is %q, which is none of its values.", value)
}

// entry applies the rules of the .NET SDK to the commands. program is the
// application's own, in full.
func (c Commands) entry(program string) (Entry, error) {
	command, own := c.AppCommand, len(c.AppCommand) > 0
	if !own && c.Instruction != asNone && program != "" {
		command = []string{program}
	}
	mode := c.Instruction
	if mode == "" {
		switch {
		case len(c.Entrypoint)+len(c.EntrypointArgs) == 0:
			mode = asEntrypoint
		case len(c.Entrypoint)+len(c.DefaultArgs)+len(c.AppCommandArgs) == 0:
			// Arguments alone, as projects had them before ContainerDefaultArgs.
			return Entry{Entrypoint: command, Cmd: c.EntrypointArgs}, nil
		default:
			mode = asDefaultArgs
			if !own && len(c.AppCommandArgs) == 0 && strings.EqualFold(c.entrypoint0(), program) {
				command = nil // the entry point is the program: it is no argument of itself
			}
		}
	}
	if err := c.check(mode); err != nil {
		return Entry{}, err
	}
	e := Entry{Entrypoint: slices.Concat(c.Entrypoint, c.EntrypointArgs), Cmd: c.DefaultArgs}
	switch mode {
	case asEntrypoint:
		e.Entrypoint = slices.Concat(command, c.AppCommandArgs)
	case asDefaultArgs:
		e.Cmd = slices.Concat(command, c.AppCommandArgs, c.DefaultArgs)
	}
	e.KeepEntrypoint = len(e.Entrypoint) == 0
	e.KeepCmd = e.KeepEntrypoint && len(e.Cmd) == 0
	return e, nil
}

// entrypoint0 returns the program of the project's own entry point, if any.
func (c Commands) entrypoint0() string {
	if len(c.Entrypoint) == 0 {
		return ""
	}
	return c.Entrypoint[0]
}

func (c Commands) check(mode string) error {
	switch {
	case len(c.EntrypointArgs) > 0 && len(c.Entrypoint) == 0:
		return input("Use ContainerAppCommandArgs for arguments that are always given, ContainerDefaultArgs for those that can be replaced.",
			"The project sets ContainerEntrypointArgs without ContainerEntrypoint.")
	case mode == asNone && len(c.AppCommand)+len(c.AppCommandArgs) > 0:
		return input("Remove the one or the other.",
			"The project sets ContainerAppCommand or ContainerAppCommandArgs, and ContainerAppCommandInstruction None, which ignores them.")
	case mode == asEntrypoint && len(c.Entrypoint)+len(c.EntrypointArgs) > 0:
		return input("Remove ContainerEntrypoint, or use ContainerAppCommandInstruction DefaultArgs.",
			"The project sets ContainerEntrypoint, and ContainerAppCommandInstruction Entrypoint, which replaces it.")
	}
	return nil
}

// translate rewrites the programs of the commands from how a Linux image names
// them to how Windows does. Commands that start a program of Linux are dropped.
func (c Commands) translate(app *dotnet.Result, appDir string) (Commands, []string) {
	var warnings []string
	for _, x := range []struct {
		item          string
		command, args *[]string
	}{
		{"ContainerEntrypoint", &c.Entrypoint, &c.EntrypointArgs},
		{"ContainerAppCommand", &c.AppCommand, nil},
	} {
		if len(*x.command) == 0 {
			continue
		}
		was := strings.Join(*x.command, " ")
		argv, ok := translateCommand(*x.command, app, appDir)
		switch {
		case !ok:
			warnings = append(warnings, x.item+" "+quote(was)+" is ignored, because it starts a program of Linux.")
			if x.args != nil {
				*x.args = nil
			}
		case strings.HasPrefix(was, "/") || argv[0] != (*x.command)[0] && strings.EqualFold((*x.command)[0], "dotnet"):
			warnings = append(warnings, x.item+" "+quote(was)+" is a command of Linux; it is taken as "+quote(strings.Join(argv, " "))+".")
		}
		*x.command = argv
	}
	return c, warnings
}

// translateCommand returns the command as Windows writes it, and false when it
// starts a program of Linux.
func translateCommand(argv []string, app *dotnet.Result, appDir string) ([]string, bool) {
	first, rest := argv[0], argv[1:]
	program := ""
	if app.EntryPoint != "" {
		program = joinWindows(appDir, app.EntryPoint)
	}
	if strings.EqualFold(first, "dotnet") && app.Runtime.SelfContained && program != "" &&
		len(rest) > 0 && strings.EqualFold(path.Base(rest[0]), app.Name+".dll") {
		return slices.Concat([]string{program}, rest[1:]), true
	}
	inApp, isApp := strings.CutPrefix(first, "/app/")
	switch {
	case isApp:
		if path.Ext(inApp) == "" || strings.EqualFold(inApp+".exe", app.EntryPoint) {
			inApp += ".exe"
		}
		first = joinWindows(appDir, inApp)
	case strings.HasPrefix(first, "/"):
		return nil, false
	default:
		name := strings.TrimPrefix(strings.ReplaceAll(first, `\`, "/"), "./")
		if program != "" && (strings.EqualFold(name, app.EntryPoint) || strings.EqualFold(name+".exe", app.EntryPoint)) {
			first = program
		} else {
			first = backslashes(first)
		}
	}
	return slices.Concat([]string{first}, rest), true
}

// backslashes writes the path of a program as Windows does. An argument is
// never touched: a slash may begin an option there.
func backslashes(program string) string { return strings.ReplaceAll(program, "/", `\`) }
