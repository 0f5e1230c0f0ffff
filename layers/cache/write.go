package cache

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

const (
	maxFile = 1 << 20   // the file is rewritten before it grows beyond this
	keep    = 512 << 10 // of which this much stays
	maxRead = 4 << 20   // nothing before this many last bytes is read

	markLength = 128
)

// sync brings the records up to date with the open file: it reads what was
// appended since the last time, or everything where it is another file or was
// cut off.
func (c *Cache) sync(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	known := c.file.info != nil && os.SameFile(c.file.info, info)
	if grown := size - c.file.offset; known && 0 <= grown && grown <= maxRead {
		mark := make([]byte, len(c.file.mark))
		if _, err := f.ReadAt(mark, c.file.offset-int64(len(mark))); err == nil && bytes.Equal(mark, c.file.mark) {
			return c.read(f, info, c.file.offset)
		}
	}
	c.file = position{gen: c.file.gen + 1}
	c.damaged = 0
	return c.read(f, info, max(0, size-maxRead))
}

// read takes the records from start to the file's end.
func (c *Cache) read(f *os.File, info fs.FileInfo, start int64) error {
	data := make([]byte, info.Size()-start)
	n, err := f.ReadAt(data, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	data = data[:n]
	if start > c.file.offset {
		// In the midst of a file that is far too large: begin with a whole line.
		skip := bytes.IndexByte(data, '\n') + 1
		start, data = start+int64(skip), data[skip:]
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	c.file.info, c.file.size, c.file.offset = info, start+int64(len(data)), start+int64(whole)
	if whole > 0 {
		c.file.mark = markOf(data[:whole])
	}
	for line := range bytes.Lines(data[:whole]) {
		if line = line[:len(line)-1]; len(line) > 0 && !c.take(line) {
			c.damaged++
		}
	}
	last := data[whole:]
	c.file.open = len(last) > 0
	c.file.torn = c.file.open && !c.take(last)
	return nil
}

// markOf returns a copy of the last bytes of what was read, which hold a part
// of a checksum or of a record: a file that has them at the same place is the
// one that was read, while the numbers of files are soon given to others.
func markOf(read []byte) []byte { return bytes.Clone(read[max(0, len(read)-markLength):]) }

// take takes one line of the file, and returns false where it is not a record.
func (c *Cache) take(line []byte) bool {
	id, kind, raw, ok := parseLine(line)
	if !ok {
		return false
	}
	r := c.records[string(id)]
	if r == nil {
		name := string(id)
		r = &record{kind: name[:kind]}
		c.records[name] = r
	}
	c.seq++
	r.raw, r.seq, r.gen = raw, c.seq, c.file.gen
	return true
}

func (c *Cache) damagedLines() int {
	if c.file.torn {
		return c.damaged + 1
	}
	return c.damaged
}

// write brings a record into the file under the lock.
func (c *Cache) write(id string, raw []byte) error {
	var err error
	for range 3 {
		if err = c.writeOnce(id, raw); !errors.Is(err, fs.ErrNotExist) {
			break // else somebody removed the folder in between
		}
	}
	return err
}

func (c *Cache) writeOnce(id string, raw []byte) (err error) {
	unlock, err := c.store.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := c.store.sweep(); err != nil {
		return err
	}
	f, err := c.store.openToWrite()
	if err != nil {
		return err
	}
	if err := c.sync(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if c.inFile(id, raw) { // another process was faster
		return f.Close()
	}
	size := c.file.size
	if c.damagedLines() > 0 || size+int64(lineLength(id, raw))+1 > maxFile {
		if err := f.Close(); err != nil {
			return err
		}
		return c.rewrite(id, raw)
	}
	if err := errors.Join(c.append(f, id, raw), f.Close()); err != nil {
		// A part of the line would only be damage for those who come next.
		return errors.Join(err, os.Truncate(c.store.path(), size))
	}
	return nil
}

// append writes one line in one go.
func (c *Cache) append(f *os.File, id string, raw []byte) error {
	line := make([]byte, 0, 1+lineLength(id, raw))
	if c.file.open {
		line = append(line, '\n')
	}
	line = appendLine(line, id, raw)
	if _, err := f.Write(line); err != nil {
		return err
	}
	c.file.size += int64(len(line))
	c.file.offset = c.file.size
	c.file.mark = markOf(line)
	c.file.open = false
	c.set(id, raw).gen = c.file.gen
	return nil
}
