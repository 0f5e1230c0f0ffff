package builder

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// baseConfig is what is read of a base's config; the rest of it is only copied.
type baseConfig struct {
	OS     string `json:"os"`
	Config struct {
		User       string
		Env        []string
		Entrypoint []string
		Cmd        []string
	} `json:"config"`
}

func readBaseConfig(raw []byte) (baseConfig, error) {
	var c baseConfig
	if err := json.Unmarshal(raw, &c); err != nil {
		return baseConfig{}, fmt.Errorf("read the base's config: %w", err)
	}
	return c, nil
}

// check refuses a base on which the application cannot run.
func (c baseConfig) check(s *Spec, b *base.Base, app *dotnet.Result) error {
	if !strings.EqualFold(c.OS, "windows") {
		return input("Name a Windows base with --base.", "The base %s is an image of %q.", b.Name, c.OS)
	}
	if err := s.checkFolders(b.Folders); err != nil {
		return err
	}
	if s.Entry.KeepEntrypoint && len(c.Config.Entrypoint) == 0 && len(s.Entry.Cmd) == 0 && (!s.Entry.KeepCmd || len(c.Config.Cmd) == 0) {
		return input("Name the program with --entrypoint.", "The base %s has no program to start.", b.Name)
	}
	return c.checkRuntime(b, app.Runtime, app.Name)
}

// checkRuntime refuses an application that needs a shared .NET which the base
// lacks. Microsoft's images of .NET say in DOTNET_VERSION and ASPNET_VERSION
// what they hold: https://github.com/dotnet/dotnet-docker.
func (c baseConfig) checkRuntime(b *base.Base, r dotnet.Runtime, name string) error {
	if r.SelfContained || len(r.Frameworks) == 0 && r.TFM == "" {
		return nil
	}
	const remedy = "Publish it with its runtime (--self-contained, the default for projects), or use a base with .NET, such as --base mcr.microsoft.com/dotnet/aspnet:10.0-nanoserver-ltsc2022."
	env := readEnv(c.Config.Env)
	if lookupEnv(env, "DOTNET_VERSION") == "" && lookupEnv(env, "ASPNET_VERSION") == "" {
		return input(remedy, "%s is published without the .NET runtime, and the base %s has none.", name, b.Name)
	}
	needsWeb := slices.ContainsFunc(r.Frameworks, func(f dotnet.Framework) bool { return f.Name == aspnetFramework })
	if needsWeb && lookupEnv(env, "ASPNET_VERSION") == "" {
		return input(remedy, "%s needs ASP.NET Core, which the base %s does not have.", name, b.Name)
	}
	return nil
}
