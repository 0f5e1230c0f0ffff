package builder

import (
	"slices"
	"strings"
	"unicode"
)

// Var is an environment variable, a label or an annotation.
type Var struct {
	Name  string
	Value string
}

// parseVars reads NAME=VALUE texts of a flag. The last of equal names counts.
func parseVars(flag string, texts []string) ([]Var, error) {
	var out []Var
	for _, t := range texts {
		name, value, ok := strings.Cut(t, "=")
		if !ok {
			return nil, input("Write "+flag+" NAME=VALUE.", "The value %q of %s has no \"=\".", t, flag)
		}
		if name == "" || strings.TrimSpace(name) != name || strings.ContainsRune(t, 0) {
			return nil, input("Write "+flag+" NAME=VALUE.", "The value %q of %s has no usable name.", t, flag)
		}
		out = append(out, Var{name, value})
	}
	return out, nil
}

// parseEnv is parseVars for environment variables, which have no empty values
// on Windows: the runtime drops them.
func parseEnv(texts []string) ([]Var, error) {
	vars, err := parseVars("--env", texts)
	if err != nil {
		return nil, err
	}
	for _, v := range vars {
		if v.Value == "" {
			return nil, input("Leave it out, or give it a value that the program understands as empty.",
				"The value of --env %s= is empty, and Windows drops such variables.", v.Name)
		}
	}
	return mergeEnv(vars), nil
}

// mergeEnv joins lists of variables. Names are equal whatever their case, as on
// Windows; a later one replaces an earlier one in its place.
func mergeEnv(groups ...[]Var) []Var {
	var out []Var
	known := map[string]int{} // where out has a name
	for _, v := range slices.Concat(groups...) {
		key := foldName(v.Name)
		if i, ok := known[key]; ok {
			out[i] = v
			continue
		}
		known[key] = len(out)
		out = append(out, v)
	}
	return out
}

// foldName maps names that strings.EqualFold takes for the same to one string.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		first := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			first = min(first, f)
		}
		return first
	}, name)
}

// readEnv reads the Env list of an image. Entries that Windows would drop (no
// name, no "=", no value) are left out.
func readEnv(entries []string) []Var {
	var out []Var
	for _, e := range entries {
		name, value, ok := strings.Cut(e, "=")
		if ok && name != "" && value != "" {
			out = append(out, Var{name, value})
		}
	}
	return mergeEnv(out)
}

// writeEnv is the Env list of an image.
func writeEnv(vars []Var) []string {
	out := make([]string, 0, len(vars))
	for _, v := range vars {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// lookupEnv returns a variable's value, "" if it is not set.
func lookupEnv(vars []Var, name string) string {
	for _, v := range vars {
		if strings.EqualFold(v.Name, name) {
			return v.Value
		}
	}
	return ""
}

// pathWarning warns when PATH would hide the one that the base keeps in its
// registry: a variable of the image replaces it outright and is not expanded.
func pathWarning(vars []Var) []string {
	value := lookupEnv(vars, "PATH")
	if value == "" || strings.Contains(strings.ToLower(value), `c:\windows\system32`) {
		return nil
	}
	return []string{"The variable PATH replaces the base's own, which lies in its registry, and %PATH% is not expanded in it. " +
		`Add C:\Windows\System32;C:\Windows to its value, or programs of Windows are not found.`}
}

// toMap returns variables as a map; of equal names the last counts.
func toMap(groups ...[]Var) map[string]string {
	out := map[string]string{}
	for _, v := range slices.Concat(groups...) {
		out[v.Name] = v.Value
	}
	return out
}
