package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// edgesOf resolves the names of dependencies: for each package the sorted indexes of
// those that it asks for.
func edgesOf(packages []dotnet.Package) [][]int {
	index := map[string]int{}
	for i, p := range packages {
		if i != 0 { // nothing depends on the application
			index[strings.ToLower(p.Name)] = i
		}
	}
	edges := make([][]int, len(packages))
	for i, p := range packages {
		for _, name := range p.Dependencies {
			if to, ok := index[strings.ToLower(name)]; ok && to != i {
				edges[i] = append(edges[i], to)
			}
		}
		slices.Sort(edges[i])
		edges[i] = slices.Compact(edges[i])
	}
	return edges
}

// nameSum names a file by its path where only few characters are allowed.
func nameSum(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:10])
}
