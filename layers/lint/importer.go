package lint

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

const (
	recordAttributes = "MSWINDOWS.fileattr"
	recordDescriptor = "MSWINDOWS.rawsd"
	recordSDDL       = "MSWINDOWS.sd"
	recordCreation   = "LIBARCHIVE.creationtime"
	recordXattr      = "MSWINDOWS.xattr."

	attributeDirectory = 0x10

	sidecar      = ".$wcidirs$" // of the file that the importer makes beside each folder
	maxComponent = 255          // UTF-16 units
	maxPath      = 32767        // UTF-16 units
)

// node is what the importer has made at a path.
type node byte

const (
	aFile node = iota + 1
	aDir
	aLink
)

// importer replays a tar as hcsshim's layer writer does for a layer that is not
// a base: every entry is created in an empty folder, whatever lower layers hold.
type importer struct {
	seen map[pathKey]node
	last string // the file that alternate streams may follow
}

// pathKey stands for a path in any case. It is a hash, so that long names take
// no memory.
type pathKey [16]byte

func keyOf(name string) pathKey {
	sum := sha256.Sum256([]byte(layers.Fold(name)))
	return pathKey(sum[:len(pathKey{})])
}

func newImporter() *importer { return &importer{seen: map[pathKey]node{}} }

// add replays one entry, and returns what would abort the import.
func (im *importer) add(h *tar.Header) []Finding {
	name := path.Clean(strings.ReplaceAll(h.Name, `\`, "/"))
	last := im.last
	im.last = ""
	if base := path.Base(name); strings.HasPrefix(base, ".wh.") {
		if !strings.HasPrefix(name, "Files/") {
			return one(34, BadTombstone, "a deletion outside of Files")
		}
		return nil
	}
	if h.Typeflag == tar.TypeLink {
		return im.hardLink(h, name)
	}
	if h.Typeflag == tar.TypeReg && last != "" && strings.HasPrefix(name, last+":") {
		im.last = last
		return nil // an alternate stream of the file before it
	}
	found := metadata(h)
	kind := kindOfEntry(h)
	if h.Size > maxFile {
		found = append(found, one(34, TooBig, "the file is larger than 8 GiB")...)
	}
	found = append(found, im.create(name, kind)...)
	if kind == aFile {
		im.last = name
	}
	return found
}

// hardLink needs a target that this layer or one below it holds.
func (im *importer) hardLink(h *tar.Header, name string) []Finding {
	target := strings.ReplaceAll(h.Linkname, `\`, "/")
	if !strings.HasPrefix(name, "Files/") || !strings.HasPrefix(target, "Files/") {
		return one(34, BadLink, "a hard link whose name or target is not below Files")
	}
	found := im.create(name, aFile)
	if im.seen[keyOf(target)] == 0 {
		return append(found, Finding{Assertion: 34, Class: BadLink, Warning: true,
			Message: fmt.Sprintf("the target %s of a hard link must be in a lower layer", target)})
	}
	return found
}

func (im *importer) create(name string, kind node) []Finding {
	if found := checkPath(name, kind); found != nil {
		return found
	}
	if name == "UtilityVM" || strings.HasPrefix(name, "UtilityVM/") {
		return one(3, Utility, "only base images hold the system of a utility VM")
	}
	parent := path.Dir(name)
	if parent != "." {
		switch im.seen[keyOf(parent)] {
		case 0:
			return one(5, NotFound, "its folder %s is not earlier in the tar", parent)
		case aFile, aLink:
			return one(5, NotFound, "%s is not a folder", parent)
		}
	}
	if !im.put(name, kind) {
		return one(6, Exists, "the name is taken, in this or another case")
	}
	if kind == aDir && !im.put(name+sidecar, aFile) {
		return one(6, Exists, "the name %s, which the importer needs, is taken", path.Base(name)+sidecar)
	}
	return nil
}

// put notes a path, unless it is taken. The root is always there.
func (im *importer) put(name string, kind node) bool {
	key := keyOf(name)
	if im.seen[key] != 0 || name == "." {
		return false
	}
	im.seen[key] = kind
	return true
}

// checkPath finds what cannot be opened below the folder of the import.
func checkPath(name string, kind node) []Finding {
	switch {
	case strings.Contains(name, ":"):
		return one(18, Colon, "a colon in the name")
	case strings.HasPrefix(name, "/"):
		return one(4, Relative, "not a relative path")
	case name == ".." || strings.HasPrefix(name, "../"):
		return one(4, Relative, "the path leaves the layer")
	case layers.UTF16Len(name) > maxPath:
		return one(17, TooLong, "the path is longer than %d characters", maxPath)
	}
	for part := range strings.SplitSeq(name, "/") {
		if layers.UTF16Len(part) > maxComponent {
			return one(17, TooLong, "the name %.20s… is longer than %d characters", part, maxComponent)
		}
	}
	if kind == aDir && layers.UTF16Len(path.Base(name))+len(sidecar) > maxComponent {
		return one(17, TooLong, "the folder's name leaves no room for %s behind it, which the importer adds", sidecar)
	}
	return nil
}

// finish says what is missing at the end.
func (im *importer) finish() []Finding {
	var found []Finding
	for _, root := range []string{"Hives", "Files"} {
		if im.seen[keyOf(root)] != aDir {
			found = append(found, one(2, NoRoot, "the folder %s is missing, without which Windows refuses the layer", root)...)
		}
	}
	return found
}

// attributes are the file attributes that the importer would set.
func attributes(h *tar.Header) (uint64, error) {
	if v, ok := h.PAXRecords[recordAttributes]; ok {
		return strconv.ParseUint(v, 10, 32)
	}
	if h.Typeflag == tar.TypeDir {
		return attributeDirectory, nil
	}
	return 0, nil
}

func kindOfEntry(h *tar.Header) node {
	attr, err := attributes(h)
	switch {
	case err == nil && attr&attributeDirectory != 0, err != nil && h.Typeflag == tar.TypeDir:
		return aDir
	case h.Typeflag == tar.TypeSymlink:
		return aLink
	}
	return aFile
}

// metadata parses the records as go-winio does.
func metadata(h *tar.Header) []Finding {
	var found []Finding
	attr, err := attributes(h)
	switch {
	case err != nil:
		found = append(found, one(11, BadRecord, "%s is not a number: %v", recordAttributes, err)...)
	case h.Typeflag != tar.TypeSymlink && (attr&attributeDirectory != 0) != (h.Typeflag == tar.TypeDir):
		found = append(found, one(11, BadAttributes, "file attributes %d on an entry of type %q", attr, h.Typeflag)...)
	}
	found = append(found, times(h)...)
	for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
		if strings.HasPrefix(key, recordXattr) {
			if _, err := base64.StdEncoding.DecodeString(h.PAXRecords[key]); err != nil {
				found = append(found, one(16, BadRecord, "%.60s is not base64: %v", key, err)...)
			}
		}
	}
	return append(found, descriptor(h)...)
}

// one is a list of one finding.
func one(assertion int, class Class, format string, args ...any) []Finding {
	return []Finding{{Assertion: assertion, Class: class, Message: fmt.Sprintf(format, args...)}}
}
