package lint

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// program is the slash path below C: of what the image starts, "" when it is
// not on C: or there is none.
func (c *imageCheck) program() string {
	argv := append(slices.Clone(c.config.Config.Entrypoint), c.config.Config.Cmd...)
	if len(argv) == 0 {
		return ""
	}
	p := strings.ReplaceAll(argv[0], `\`, "/")
	if !isAbsolute(p) {
		p = strings.ReplaceAll(c.config.Config.WorkingDir, `\`, "/") + "/" + p
	}
	return belowC(p)
}

// isAbsolute is about paths with forward slashes.
func isAbsolute(p string) bool {
	return strings.HasPrefix(p, "/") || (len(p) > 1 && p[1] == ':')
}

// belowC turns C:/app into app; anything else but a path on C: gives "".
func belowC(p string) string {
	if len(p) < 3 || (p[0] != 'C' && p[0] != 'c') || p[1:3] != ":/" {
		return ""
	}
	return strings.TrimPrefix(path.Clean(p[2:]), "/")
}

// workingDir wants a folder of the layers (rule 21): Windows makes none.
func (c *imageCheck) workingDir(files *contents) {
	dir := c.config.Config.WorkingDir
	if dir == "" || (c.baseConfig != nil && dir == c.baseConfig.Config.WorkingDir) {
		return
	}
	p := belowC(strings.ReplaceAll(dir, `\`, "/"))
	if e, ok := files.find(p); p == "" || strings.Contains(dir, "/") || !ok || !e.dir {
		c.add(21, WorkingDir, dir, "it is not a folder of the layers, written like C:\\app")
	}
}

// entryPoint wants a program of the layers, for the architecture of the image
// (rule 20), and the .NET that it needs (rule 22).
func (c *imageCheck) entryPoint(files *contents) {
	if c.baseEntry() {
		return
	}
	argv := append(slices.Clone(c.config.Config.Entrypoint), c.config.Config.Cmd...)
	if len(argv) == 0 {
		c.add(20, EntryPoint, "config", "there is neither Entrypoint nor Cmd")
		return
	}
	program := c.program()
	if program == "" || !files.hasFile(program) {
		c.add(20, EntryPoint, argv[0], "the program is not in the application's layers")
		return
	}
	if strings.Contains(argv[0], "/") {
		c.add(20, EntryPoint, argv[0], "a Windows path has backslashes")
	}
	head, _ := files.head(program)
	info, err := readPE(head)
	if err != nil {
		c.add(20, EntryPoint, argv[0], "it is not a Windows program: %v", err)
		return
	}
	if want, ok := machines[c.config.Architecture]; ok && info.machine != want {
		c.add(20, EntryPoint, argv[0], "it is a program for machine %#04x, the image is for %s (%#04x)", info.machine, c.config.Architecture, want)
	}
	if info.subsystem != consoleProgram {
		c.warn(20, EntryPoint, argv[0], "it is not a console program (subsystem %d): its output may be lost", info.subsystem)
	}
	c.dotnet(files, program)
}

// dotnet wants all of .NET beside a program that says it brings it along.
func (c *imageCheck) dotnet(files *contents, program string) {
	dir := path.Dir(program)
	text, ok := files.head(runtimeConfig(program))
	if !ok {
		if files.hasFile(strings.TrimSuffix(program, path.Ext(program)) + ".dll") {
			c.add(22, Runtime, program, "its runtimeconfig.json is missing")
		}
		return // a bundle, compiled ahead of time, or no .NET
	}
	type framework struct{ Name string }
	var config struct {
		RuntimeOptions struct {
			IncludedFrameworks, Frameworks []framework
			Framework                      *framework
		}
	}
	if err := json.Unmarshal(text, &config); err != nil {
		c.add(22, Runtime, runtimeConfig(program), "it cannot be read: %v", err)
		return
	}
	o := config.RuntimeOptions
	if len(o.IncludedFrameworks) == 0 {
		if (o.Framework != nil || len(o.Frameworks) > 0) && !c.hasVariable("DOTNET_VERSION") {
			c.add(22, Runtime, program, "it needs an installed .NET, which the base does not have; publish self-contained")
		}
		return
	}
	for _, part := range []string{"hostfxr.dll", "hostpolicy.dll", "coreclr.dll"} {
		if !files.hasFile(path.Join(dir, part)) {
			c.add(22, Runtime, program, "%s is missing beside it", part)
		}
	}
	const aspnet = "Microsoft.AspNetCore.App"
	if files.hasFile(path.Join(dir, "Microsoft.AspNetCore.dll")) && !slices.Contains(o.IncludedFrameworks, framework{aspnet}) {
		c.warn(22, Runtime, runtimeConfig(program), "%s is not among its frameworks, though its files are there", aspnet)
	}
}

func (c *imageCheck) hasVariable(name string) bool {
	return slices.ContainsFunc(c.config.Config.Env, func(v string) bool {
		key, _, _ := strings.Cut(v, "=")
		return strings.EqualFold(key, name)
	})
}
