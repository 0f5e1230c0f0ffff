// Package cache keeps small records of what earlier runs found out, in one
// file of a folder. It holds no blobs: a record is a kind, a key and a value of
// at most 64 KiB, and the whole file stays below 1 MiB.
//
// The file is only appended to, one line per record, and later lines win. Each
// line carries its own checksum, so that a killed run, a full disk, a flipped
// bit or a foreign file can make records go missing but never change one: what
// is returned was put at some time with exactly these bytes. When the newest
// line of a record is damaged, the line before it counts again, as if the last
// Put had not happened. Checksums do not protect against people who can write
// to the folder: do not trust records where that matters.
//
// Several processes may use one folder at once; see store for how.
package cache

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
)

// Cache is the records of one folder as this process knows them. A nil *Cache
// is a cache that is off: it knows nothing and keeps nothing. All methods may
// be called by several goroutines at once.
type Cache struct {
	store store

	mu      sync.Mutex
	records map[string]*record // by id, see line
	seq     int                // given to the next record: higher is newer
	file    position
	damaged int // lines of the file that are not records
	problem error
}

// record is the newest line of one kind and key.
type record struct {
	kind string // escaped
	raw  []byte // the escaped value
	seq  int
	gen  int  // the generation of the file that has it, see position
	used bool // this process asked for it or put it once more
}

// Open reads the records of the folder dir, which need not exist; nothing is
// created before the first Put. It never fails: what cannot be read counts as
// not there, and Problem says why. An empty dir returns a cache that is off.
func Open(dir string) *Cache {
	if dir == "" {
		return nil
	}
	c := &Cache{store: store{dir: dir}, records: map[string]*record{}}
	f, err := c.store.openToRead()
	if errors.Is(err, fs.ErrNotExist) {
		return c
	}
	if err == nil {
		err = errors.Join(c.sync(f), f.Close())
	}
	c.note("read the cache", err)
	return c
}

// Get returns the newest value of a record, as a copy.
func (c *Cache) Get(kind, key string) (value []byte, ok bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.records[recordID(kind, key)]
	if r == nil {
		return nil, false
	}
	r.used = true
	return unescape(r.raw)
}

// Has returns whether there is any record of a kind.
func (c *Cache) Has(kind string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kind = escapeName(kind)
	for _, r := range c.records {
		if r.kind == kind {
			return true
		}
	}
	return false
}

// Each calls f with every record of a kind, the newest first. f may call the
// methods of c; what it puts is not visited. Unlike Get it does not make the
// records count as used.
func (c *Cache) Each(kind string, f func(key string, value []byte)) {
	if c == nil {
		return
	}
	type found struct {
		id  string
		raw []byte
		seq int
	}
	var all []found
	kind = escapeName(kind)
	c.mu.Lock()
	for id, r := range c.records {
		if r.kind == kind {
			all = append(all, found{id, r.raw, r.seq})
		}
	}
	c.mu.Unlock()
	slices.SortFunc(all, func(a, b found) int { return b.seq - a.seq })
	for _, one := range all {
		key, okKey := unescape([]byte(one.id[len(kind)+1:]))
		value, okValue := unescape(one.raw)
		if okKey && okValue {
			f(string(key), value)
		}
	}
}

// Put keeps a record: it is appended to the file at once, unless the file has
// the same value already. Records whose value is larger than 64 KiB, or whose
// kind and key are longer than 4 KiB, are not kept, and an older value stays.
// Where the file cannot be written, Problem says why, and from then on
// records are kept in memory only.
func (c *Cache) Put(kind, key string, value []byte) {
	if c == nil || len(value) > maxValue || len(kind)+len(key) > maxName {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id, raw := recordID(kind, key), escape(nil, value, false)
	if c.inFile(id, raw) && (c.problem != nil || c.store.still(c.file)) {
		c.records[id].used = true
		return
	}
	if c.problem == nil {
		c.note("write the cache", c.write(id, raw))
	}
	c.set(id, raw)
}

// Problem returns the first reason why the records could not be read or
// written, such as a folder that is not writable or a full disk, and nil where
// there was none. Damaged lines are no problem: see Info.
func (c *Cache) Problem() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

// Info describes a cache.
type Info struct {
	File    string         // the path of the file, which need not exist
	Bytes   int64          // its size, 0 where it does not exist
	Records map[string]int // the number of records of each kind
	Damaged int            // lines that were ignored because they are not records
}

// Info returns what the cache holds now.
func (c *Cache) Info() Info {
	if c == nil {
		return Info{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	info := Info{File: c.store.path(), Records: map[string]int{}, Damaged: c.damagedLines()}
	if fi, err := os.Lstat(info.File); err == nil && fi.Mode().IsRegular() {
		info.Bytes = fi.Size()
	}
	for _, r := range c.records {
		if kind, ok := unescape([]byte(r.kind)); ok {
			info.Records[string(kind)]++
		}
	}
	return info
}

// note keeps the first problem.
func (c *Cache) note(doing string, err error) {
	if err != nil && c.problem == nil {
		c.problem = &problem{doing, err}
	}
}

// inFile reports whether the file, as it was last seen, has this value.
func (c *Cache) inFile(id string, raw []byte) bool {
	r := c.records[id]
	return r != nil && r.gen == c.file.gen && bytes.Equal(r.raw, raw)
}

// set makes raw the newest value of a record. It does not claim that the file has it.
func (c *Cache) set(id string, raw []byte) *record {
	r := c.records[id]
	if r == nil {
		kind, _, _ := strings.Cut(id, " ")
		r = &record{kind: kind, gen: -1}
		c.records[id] = r
	}
	if !bytes.Equal(r.raw, raw) {
		r.raw, r.gen = raw, -1
	}
	c.seq++
	r.seq = c.seq
	return r
}
