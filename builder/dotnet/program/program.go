// Package program finds outside programs on a PATH that is handed in, so that
// nothing below the command line reads the process's own environment.
package program

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// NotFound says that a program is not there.
type NotFound struct {
	Name string // as it was asked for
}

func (e *NotFound) Error() string {
	if strings.ContainsAny(e.Name, `/\`) {
		return fmt.Sprintf("%s is no program that can be started", e.Name)
	}
	return fmt.Sprintf("%s is not on PATH", e.Name)
}

// Find returns the absolute path of a program: a bare name is looked up in the
// PATH of env, anything else is a path relative to dir. It fails with *NotFound
// where there is none. Relative elements of PATH are ignored, as in os/exec.
func Find(name, dir string, env []string) (string, error) {
	if strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator) {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if found, ok := executable(path); ok {
			return found, nil
		}
		return "", &NotFound{Name: name}
	}
	for _, folder := range filepath.SplitList(Getenv(env, "PATH")) {
		if !filepath.IsAbs(folder) {
			continue
		}
		if found, ok := executable(filepath.Join(folder, name)); ok {
			return found, nil
		}
	}
	return "", &NotFound{Name: name}
}

// Getenv returns a variable of env, "" when it is not set. The last one wins,
// as in os/exec; on Windows names are compared without case.
func Getenv(env []string, name string) string {
	value := ""
	for _, kv := range env {
		key, v, ok := strings.Cut(kv, "=")
		if ok && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name)) {
			value = v
		}
	}
	return value
}

func executable(path string) (string, bool) {
	if runtime.GOOS == "windows" && filepath.Ext(path) == "" {
		path += ".exe"
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return "", false
	}
	return path, runtime.GOOS == "windows" || info.Mode()&0o111 != 0
}
