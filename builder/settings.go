package builder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

// settings are the values of one source of .NET's configuration: keys in lower
// case, their parts separated by colons, such as "kestrel:endpoints:http:url".
// https://learn.microsoft.com/aspnet/core/fundamentals/configuration/
type settings struct {
	name   string // of the file, prefix of the variables, or "the command line"
	env    bool   // the values are environment variables
	values map[string]string
}

// Bounds on settings files, in bytes: of the file, of which real ones have a few
// thousand, and of a key with the keys around it.
const (
	largestSettings = 1 << 20
	longestKey      = 1 << 10
)

// readSettings reads a JSON settings file of the application, whatever the
// case of its name. ok is false when there is none, or it is not readable as
// JSON: then warning says so.
func readSettings(fsys fs.FS, name string) (s settings, warning string, ok bool) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return settings{}, "", false // the plan of the layers will say why
	}
	for _, e := range entries {
		if !strings.EqualFold(e.Name(), name) {
			continue
		}
		raw, err := readRegular(fsys, e.Name())
		if err != nil {
			return settings{}, fmt.Sprintf("%s is not read for the addresses that the service listens on: %v.", e.Name(), err), false
		}
		values, err := parseSettings(raw)
		if err != nil {
			return settings{}, fmt.Sprintf("%s is not valid JSON (%v), so the service will probably stop when it starts.", e.Name(), err), false
		}
		return settings{name: e.Name(), values: values}, "", true
	}
	return settings{}, "", false
}

// readRegular reads a file; it never waits, as opening a pipe would.
func readRegular(fsys fs.FS, name string) (raw []byte, err error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > largestSettings {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", name, largestSettings)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, largestSettings))
}

// parseSettings flattens a JSON object into keys with colons.
func parseSettings(raw []byte) (map[string]string, error) {
	var top map[string]any
	plain := plainJSON(raw)
	if err := layers.CheckJSON(plain); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(plain))
	dec.UseNumber()
	if err := dec.Decode(&top); err != nil {
		return nil, unexpected(err)
	}
	out := map[string]string{}
	flatten(out, "", top)
	return out, nil
}

// flatten adds the values in v. Keys that are longer than any that has a meaning
// are left out: each value below one would hold it once more.
func flatten(out map[string]string, prefix string, v any) {
	if len(prefix) > longestKey {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			flatten(out, join(prefix, k), child)
		}
	case []any:
		for i, child := range v {
			flatten(out, join(prefix, strconv.Itoa(i)), child)
		}
	case nil:
		out[prefix] = ""
	default:
		out[prefix] = fmt.Sprint(v)
	}
}

func join(prefix, key string) string {
	key = strings.ToLower(key)
	if prefix == "" {
		return key
	}
	return prefix + ":" + key
}

// envSettings returns the variables whose names have a prefix as a source of
// configuration; the prefix is cut off, and "__" separates parts.
func envSettings(vars []Var, prefix string) settings {
	s := settings{name: prefix, env: true, values: map[string]string{}}
	for _, v := range vars {
		if len(v.Name) <= len(prefix) || !strings.EqualFold(v.Name[:len(prefix)], prefix) {
			continue
		}
		s.values[strings.ToLower(strings.ReplaceAll(v.Name[len(prefix):], "__", ":"))] = v.Value
	}
	return s
}

// argSettings returns the settings among a command line's arguments:
// --key=value, --key value, /key=value, /key value and key=value.
func argSettings(args []string) settings {
	s := settings{name: "the command line", values: map[string]string{}}
	for i := 0; i < len(args); i++ {
		key, value, ok := strings.Cut(args[i], "=")
		option := strings.HasPrefix(key, "--") || strings.HasPrefix(key, "/")
		if !ok && (!option || i+1 == len(args)) {
			continue
		}
		if !ok {
			i++
			value = args[i]
		}
		s.values[strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(key, "--"), "/"))] = value
	}
	return s
}

// describe names a key of the source for a person.
func (s settings) describe(key string) string {
	if s.env {
		return strings.ToUpper(s.name + strings.ReplaceAll(key, ":", "__"))
	}
	return key + " in " + s.name
}
