package flow

import "github.com/nanobuild/nanobuild/layers/cache"

// CacheInfo is what a cache holds.
type CacheInfo struct {
	Folder string // "" when the cache is off
	File   string
	Bytes  int64
	Counts []Count
}

// Count is a number of things.
type Count struct {
	What  string
	Count int
}

// ReadCache returns what the cache in the folder dir holds. It fails when the
// cache is there and cannot be read.
func ReadCache(dir string) (CacheInfo, error) {
	c := cache.Open(dir)
	if err := c.Problem(); err != nil {
		return CacheInfo{}, err
	}
	info := c.Info()
	counts := []Count{
		{"layers", info.Records[cache.LayerKind]},
		{"base tags", info.Records[tagKind]},
		{"base manifests and configs", info.Records[documentKind]},
		{"repositories", info.Records[repoKind]},
	}
	if info.Damaged > 0 {
		counts = append(counts, Count{"damaged, ignored", info.Damaged})
	}
	return CacheInfo{Folder: dir, File: info.File, Bytes: info.Bytes, Counts: counts}, nil
}

// ClearCache removes the records in the folder dir. A cache that is off or not
// there is no error.
func ClearCache(dir string) error { return cache.Clear(dir) }
