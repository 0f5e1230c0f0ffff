package dotnet

import (
	"fmt"
	"path/filepath"
	"strings"
)

// pathMap returns a value of the compiler's PathMap that makes the names of
// source files in assemblies independent of where the project lies: its folder
// and each one above it get a name by their distance, /_/, /_1/, /_2/ and so on.
// The compiler takes the longest match, so projects beside the published one are
// covered too. See
// https://learn.microsoft.com/dotnet/csharp/language-reference/compiler-options/advanced#pathmap
func pathMap(projectDir string) string {
	var pairs []string
	for dir, distance := filepath.Clean(projectDir), 0; ; distance++ {
		parent := filepath.Dir(dir)
		if parent == dir {
			break // not the root: it would rename everything on the machine
		}
		name := "/_/"
		if distance > 0 {
			name = fmt.Sprintf("/_%d/", distance)
		}
		pairs = append(pairs, escapePathMap(folder(dir))+"="+name)
		dir = parent
	}
	return strings.Join(pairs, ",")
}

// escapePathMap doubles the characters that separate pairs and their halves.
func escapePathMap(dir string) string {
	return strings.NewReplacer(",", ",,", "=", "==").Replace(dir)
}
