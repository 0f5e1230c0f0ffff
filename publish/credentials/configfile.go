package credentials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// maxConfig is the largest config that is read, in bytes. Real ones have a few
// hundred.
const maxConfig = 1 << 20

// configFile is one place that may hold a config, read when first asked.
type configFile struct {
	name string // for people
	load func() (*config, error)
}

func newConfigFile(name string, read func() ([]byte, error)) *configFile {
	return &configFile{name: name, load: sync.OnceValues(func() (*config, error) {
		text, err := read()
		if err != nil {
			return nil, err
		}
		return parseConfig(text)
	})}
}

// configFiles lists the places that are asked, in order.
func configFiles(environ map[string]string, home string) []*configFile {
	var all []*configFile
	if text := environ["DOCKER_AUTH_CONFIG"]; text != "" {
		all = append(all, newConfigFile("DOCKER_AUTH_CONFIG", func() ([]byte, error) {
			if len(text) > maxConfig {
				return nil, tooLarge()
			}
			return []byte(text), nil
		}))
	}
	for _, path := range []string{dockerFile(environ, home), podmanFile(environ, home)} {
		if path != "" {
			all = append(all, newConfigFile(shortPath(path, home), func() ([]byte, error) { return readConfig(path) }))
		}
	}
	return all
}

// DockerFile returns the path of Docker's config file: config.json in
// DOCKER_CONFIG, else in .docker of the home folder; "" where there is neither.
// Environ is the environment, as of os.Environ.
func DockerFile(environ []string, home string) string {
	return dockerFile(newSources(Options{Environ: environ}).environ, home)
}

func dockerFile(environ map[string]string, home string) string {
	switch dir := environ["DOCKER_CONFIG"]; {
	case dir != "":
		return filepath.Join(dir, "config.json")
	case home != "":
		return filepath.Join(home, ".docker", "config.json")
	}
	return ""
}

// podmanFile is the file that Podman, Buildah and Skopeo keep credentials in.
//
// https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
func podmanFile(environ map[string]string, home string) string {
	if path := environ["REGISTRY_AUTH_FILE"]; path != "" {
		return path
	}
	if dir := environ["XDG_RUNTIME_DIR"]; dir != "" {
		path := filepath.Join(dir, "containers", "auth.json")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	dir := environ["XDG_CONFIG_HOME"]
	if dir == "" && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "containers", "auth.json")
}

// shortPath writes a path the way people do.
func shortPath(path, home string) string {
	if rel, err := filepath.Rel(home, path); home != "" && err == nil && filepath.IsLocal(rel) {
		return "~" + string(filepath.Separator) + rel
	}
	return path
}

// readConfig reads a config file; one that does not exist is empty.
func readConfig(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, reason(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("is a folder, not a file")
	}
	text, err = io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, reason(err)
	}
	if len(text) > maxConfig {
		return nil, tooLarge()
	}
	return text, nil
}

func tooLarge() error { return fmt.Errorf("is larger than %d KiB", maxConfig>>10) }

// reason leaves out the path, which the message around it has.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// find returns what the config has for a repository. An entry for a path comes
// before the helpers, which know hosts only, and these come before an entry for
// the host, as with Docker; unlike Docker that entry is used when the helper
// has nothing.
func (f *configFile) find(ctx context.Context, where place, h *helpers) (credential, error) {
	c, err := f.load()
	if err != nil {
		return credential{}, &Error{Host: where.host, Source: f.name, Err: err}
	}
	key, path, there := c.entryFor(where)
	if path == "" {
		found, err := f.fromHelper(ctx, c, where, h)
		if err != nil || found.source != "" {
			return found, err
		}
	}
	if !there {
		return credential{}, nil
	}
	source := fmt.Sprintf("auths[%q] in %s", key, f.name)
	auth, err := decodeEntry(c.Auths[key])
	if err != nil {
		return credential{}, &Error{Host: where.host, Source: source, Err: err}
	}
	return credential{auth: auth, source: source}, nil
}

func (f *configFile) fromHelper(ctx context.Context, c *config, where place, h *helpers) (credential, error) {
	helper, by := c.helperFor(where.host)
	if helper == "" {
		return credential{}, nil
	}
	if err := checkHelper(helper); err != nil {
		return credential{}, &Error{Host: where.host, Source: by + " in " + f.name, Err: err}
	}
	source := programName(helper) + ", named by " + by + " in " + f.name
	auth, known, err := h.get(ctx, helper, serverKey(where.spelled))
	if err != nil {
		return credential{}, &Error{Host: where.host, Source: source, Err: err}
	}
	if !known {
		return credential{}, nil
	}
	return credential{auth: auth, source: source}, nil
}
