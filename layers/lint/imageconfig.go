package lint

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// platform wants a Windows image, for the same Windows as the base, with all
// that the base's config says beside what an application sets (rule 26).
func (c *imageCheck) platform() {
	if c.config.OS != "windows" || c.config.Architecture == "" {
		c.add(26, Platform, "config", "os %q, architecture %q", c.config.OS, c.config.Architecture)
	}
	if c.in.Base == nil {
		return
	}
	got, base := fields(c.in.Config), fields(c.in.Base.Config)
	c.kept("", got, base, "created", "config", "rootfs", "history")
	c.kept("config.", fields(got["config"]), fields(base["config"]),
		"Entrypoint", "Cmd", "WorkingDir", "Env", "ExposedPorts", "Labels", "User", "ArgsEscaped", "Volumes", "Healthcheck")
}

// kept compares the members of two objects, those set for an image aside.
func (c *imageCheck) kept(prefix string, got, base map[string]json.RawMessage, set ...string) {
	for _, key := range slices.Sorted(maps.Keys(base)) {
		if slices.Contains(set, key) {
			continue
		}
		if v, ok := got[key]; !ok || !sameJSON(v, base[key]) {
			c.add(26, Platform, "config", "%s%s is not the base's", prefix, key)
		}
	}
	for _, key := range []string{"os.version", "os.features", "variant"} {
		if _, ok := base[key]; prefix == "" && !ok && got[key] != nil {
			c.add(26, Platform, "config", "%s is set, the base has none", key)
		}
	}
}

// settings checks user, environment and command (rule 27).
func (c *imageCheck) settings() {
	config := c.config.Config
	if config.ArgsEscaped {
		c.add(27, Settings, "config", "ArgsEscaped is set: Windows would not quote the arguments")
	}
	if !c.in.Asked.Cmd && len(config.Entrypoint) > 0 && len(config.Cmd) > 0 && !c.baseEntry() {
		c.add(27, Settings, "config", "Cmd %q would be arguments of the entry point", config.Cmd)
	}
	var baseEnv []string
	if c.baseConfig != nil {
		baseEnv = c.baseConfig.Config.Env
		if !c.in.Asked.User && config.User != c.baseConfig.Config.User {
			c.add(27, Settings, "config", "User is %q, the base's is %q", config.User, c.baseConfig.Config.User)
		}
	}
	c.environment(config.Env, baseEnv)
}

// environment checks the variables that the base does not have as they are.
func (c *imageCheck) environment(env, base []string) {
	inherited, seen := map[string]bool{}, map[string]bool{}
	for _, v := range base {
		inherited[v] = true
	}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		key := strings.ToUpper(name)
		switch {
		case inherited[v]:
		case seen[key]:
			c.add(27, Settings, "config", "the variable %s is set twice; Windows does not tell the case of names apart", name)
		case value == "":
			c.add(27, Settings, "config", "the variable %s has no value; Windows drops it", name)
		case key == "PATH" && !c.in.Asked.Path && c.baseConfig != nil:
			c.add(27, Settings, "config", "PATH is set, which hides that of the base's registry")
		}
		seen[key] = true
	}
}

// baseEntry says that the image starts what its base starts.
func (c *imageCheck) baseEntry() bool {
	if c.baseConfig == nil {
		return false
	}
	a, b := c.config.Config, c.baseConfig.Config
	return slices.Equal(a.Entrypoint, b.Entrypoint) && slices.Equal(a.Cmd, b.Cmd)
}
