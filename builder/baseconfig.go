package builder

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// baseConfig is what is read of a base's config; the rest of it is only copied.
type baseConfig struct {
	OS        string `json:"os"`
	OSVersion string `json:"os.version"`
	Config    struct {
		User       string
		Env        []string
		Entrypoint []string
		Cmd        []string
	} `json:"config"`

	warnings []string // of check
}

func readBaseConfig(raw []byte) (baseConfig, error) {
	var c baseConfig
	if err := json.Unmarshal(raw, &c); err != nil {
		return baseConfig{}, fmt.Errorf("read the base's config: %w", err)
	}
	return c, nil
}

// check refuses a base on which the application cannot run, and keeps warnings
// of what may go wrong there.
func (c *baseConfig) check(s *Spec, b *base.Base, app *dotnet.Result) error {
	if !strings.EqualFold(c.OS, "windows") {
		return input("Name a Windows base with --base.", "The base %s is an image of %q.", b.Name, c.OS)
	}
	if err := s.checkFolders(b.Folders); err != nil {
		return err
	}
	if s.Entry.KeepEntrypoint && len(c.Config.Entrypoint) == 0 && len(s.Entry.Cmd) == 0 && (!s.Entry.KeepCmd || len(c.Config.Cmd) == 0) {
		return input("Name the program with --entrypoint.", "The base %s has no program to start.", b.Name)
	}
	if s.Entry.KeepEntrypoint || !needsDotnet(app.Runtime) {
		return nil // what the base starts, such as IIS, knows how to run the application
	}
	held := heldBy(b.Name, c.OSVersion, mergeEnv(readEnv(c.Config.Env), s.Env))
	var err error
	c.warnings, err = held.check(app)
	return err
}
