package cache

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
)

// entry is a record of the file.
type entry struct {
	id string
	*record
}

// rewrite replaces the file, which was just read, by one that has a new record
// and the newest version of as many others as fit, those first that this
// process used. What this process knows but the file does not have stays away:
// others may have cleared it on purpose.
func (c *Cache) rewrite(id string, raw []byte) error {
	r := c.set(id, raw)
	r.used, r.gen = true, c.file.gen
	kept := c.newest(keep)
	var data []byte
	for _, e := range slices.Backward(kept) {
		data = appendLine(data, e.id, e.raw)
	}
	info, err := c.store.replace(data)
	if err != nil {
		r.gen = -1
		return err
	}
	size := int64(len(data))
	c.file = position{info: info, size: size, offset: size, mark: markOf(data), gen: c.file.gen + 1}
	c.damaged = 0
	for _, e := range kept {
		e.gen = c.file.gen
	}
	return nil
}

// newest returns the records of the file whose lines fit into limit bytes, the
// used ones first, and then the newest first.
func (c *Cache) newest(limit int) []entry {
	var all []entry
	for id, r := range c.records {
		if r.gen == c.file.gen {
			all = append(all, entry{id, r})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		switch {
		case a.used == b.used:
			return cmp.Compare(b.seq, a.seq)
		case a.used:
			return -1
		}
		return 1
	})
	for i, e := range all {
		if limit -= lineLength(e.id, e.raw); limit < 0 {
			return all[:i]
		}
	}
	return all
}

// replace puts a file with this data in place of the records.
func (s store) replace(data []byte) (fs.FileInfo, error) {
	f, err := os.OpenFile(s.newPath(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	info, statErr := f.Stat()
	err = errors.Join(err, statErr, f.Close())
	if err == nil {
		err = insist(func() error { return os.Rename(s.newPath(), s.path()) })
	}
	if err != nil {
		return nil, errors.Join(err, s.sweep())
	}
	return info, nil
}

// sweep removes what a run left behind that was killed while it rewrote the
// file. The caller holds the lock.
func (s store) sweep() error { return removeFile(s.newPath()) }

// removeFile removes a regular file, which may be missing.
func removeFile(path string) error {
	_, err := regular(path)
	if err == nil {
		err = insist(func() error { return os.Remove(path) })
	}
	return ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
