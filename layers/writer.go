package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// FormatVersion counts the changes of what the writer makes of the same files:
// each one gives every layer a new digest.
const FormatVersion = 1

// The PAX records that Windows' layer importer reads
// (https://github.com/microsoft/go-winio/blob/main/backuptar/tar.go) and the
// file attributes in them
// (https://learn.microsoft.com/windows/win32/fileio/file-attribute-constants).
const (
	recordAttributes = "MSWINDOWS.fileattr"
	recordDescriptor = "MSWINDOWS.rawsd"
	recordCreation   = "LIBARCHIVE.creationtime"

	attributeDirectory = "16"
	attributeArchive   = "32"
)

const (
	modeDir  = 0o040755
	modeFile = 0o100755
)

// writeTar writes the layer of a group: the roots Hives and Files, which
// Windows requires, and the entries below Files. It depends on nothing but the
// entries. Content that is not what the plan saw is an error.
func writeTar(ctx context.Context, w io.Writer, g Group) error {
	tw := tar.NewWriter(w)
	for _, root := range []string{"Hives", "Files"} {
		if err := tw.WriteHeader(header(root, Entry{Dir: true, Time: time.Unix(0, 0)}, "")); err != nil {
			return fmt.Errorf("write the folder %s: %w", root, err)
		}
	}
	buf := make([]byte, 64<<10)
	for _, e := range g.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := tw.WriteHeader(header("Files/"+e.Path, e, Descriptor(e.Dir, e.Writable))); err != nil {
			return fmt.Errorf("write %s: %w", e.Path, err)
		}
		if e.Dir {
			continue
		}
		if err := writeContent(ctx, tw, e, buf); err != nil {
			return err
		}
	}
	return tw.Close()
}

func header(name string, e Entry, descriptor string) *tar.Header {
	t := e.Time.UTC()
	h := &tar.Header{
		Format:     tar.FormatPAX,
		Typeflag:   tar.TypeReg,
		Name:       name,
		Mode:       modeFile,
		Size:       e.Size,
		ModTime:    t,
		AccessTime: t,
		ChangeTime: t,
		PAXRecords: map[string]string{
			recordAttributes: attributeArchive,
			recordCreation:   strconv.FormatInt(t.Unix(), 10),
		},
	}
	if e.Dir {
		h.Typeflag, h.Mode, h.Size = tar.TypeDir, modeDir, 0
		h.PAXRecords[recordAttributes] = attributeDirectory
	}
	if descriptor != "" {
		h.PAXRecords[recordDescriptor] = descriptor
	}
	return h
}

// writeContent copies a file, and compares it with what the plan saw.
func writeContent(ctx context.Context, tw io.Writer, e Entry, buf []byte) error {
	f, err := e.Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", e.Path, err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	r := contextReader{ctx, f}
	hashed := e.SHA256 != [sha256.Size]byte{}
	h, w := sha256.New(), tw
	if hashed {
		w = io.MultiWriter(tw, h)
	}
	n, err := io.CopyBuffer(w, io.LimitReader(r, e.Size), buf)
	if err != nil {
		return fmt.Errorf("pack %s: %w", e.Path, err)
	}
	more, err := io.ReadFull(r, buf[:1])
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("pack %s: %w", e.Path, err)
	}
	if n != e.Size || more > 0 || hashed && !bytes.Equal(h.Sum(nil), e.SHA256[:]) {
		return fmt.Errorf("pack %s: the file changed while it was packed; let nothing else write to the publish folder, and run again", e.Path)
	}
	return nil
}
