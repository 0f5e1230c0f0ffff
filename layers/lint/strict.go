package lint

import (
	"archive/tar"
	"encoding/base64"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nanobuild/nanobuild/layers"
)

// records are the PAX keys that a layer of this module has.
var records = []string{recordAttributes, recordDescriptor, recordCreation, "atime", "ctime", "path", "size"}

// strict checks one entry against the format of this module.
func (c *layerCheck) strict(h *tar.Header) []Finding {
	found := header(h)
	found = append(found, strictTimes(h)...)
	found = append(found, strictRecords(h)...)
	if roots := []string{"Hives", "Files"}; c.index < len(roots) || slices.Contains(roots, h.Name) {
		return append(found, c.root(h, roots)...)
	}
	rel, ok := strings.CutPrefix(h.Name, "Files/")
	if !ok {
		return append(found, one(3, Root, "only the roots Hives and Files, and what is below Files, belong into a layer")...)
	}
	found = append(found, names(rel, h.Typeflag == tar.TypeDir)...)
	if layers.BaseOwned(rel) {
		found = append(found, one(32, BaseFolder, "the folder belongs to the base image, whose access rights this would replace")...)
	}
	if c.prev != "" && layers.Compare(c.prev, rel) >= 0 {
		found = append(found, one(5, Order, "it comes after %s", c.prev)...)
	}
	c.prev = rel
	return append(found, c.rights(h, rel)...)
}

// root checks the first two entries, and that there are no others like them.
func (c *layerCheck) root(h *tar.Header, roots []string) []Finding {
	if c.index >= len(roots) || h.Name != roots[c.index] || h.Typeflag != tar.TypeDir {
		return one(2, Root, "the first two entries must be the folders Hives and Files, once each")
	}
	if _, ok := h.PAXRecords[recordDescriptor]; ok {
		return one(12, Descriptor, "a root has a security descriptor")
	}
	return nil
}

func header(h *tar.Header) []Finding {
	var found []Finding
	mode := int64(0o100755)
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		mode = 0o040755
	default:
		return one(7, Type, "an entry of type %q is neither a file nor a folder", h.Typeflag)
	}
	if h.Format != tar.FormatPAX {
		found = append(found, one(7, Header, "the entry is %v, not PAX", h.Format)...)
	}
	if h.Mode != mode {
		found = append(found, one(8, Header, "mode %o, not %o", h.Mode, mode)...)
	}
	if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || h.Devmajor != 0 || h.Devminor != 0 {
		found = append(found, one(8, Header, "it has an owner or a device number")...)
	}
	return found
}

func strictRecords(h *tar.Header) []Finding {
	var found []Finding
	want := "32"
	if h.Typeflag == tar.TypeDir {
		want = "16"
	}
	if v := h.PAXRecords[recordAttributes]; v != want {
		found = append(found, one(11, Attributes, "%s is %q, not %s", recordAttributes, v, want)...)
	}
	for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
		if !slices.Contains(records, key) {
			found = append(found, one(16, Record, "the PAX record %.60q does not belong into a layer", key)...)
		}
	}
	return found
}

// names checks a path below Files.
func names(rel string, dir bool) []Finding {
	check := layers.CheckName
	if dir {
		check = layers.CheckDirName
	}
	if err := check(rel); err != nil {
		class, rule := classify(rel)
		return one(rule, class, "%v", err)
	}
	return nil
}

// classify says in which way a path is not one that Windows can hold.
func classify(rel string) (Class, int) {
	if !utf8.ValidString(rel) {
		return Name, 17
	}
	for part := range strings.SplitSeq(rel, "/") {
		switch {
		case part == "" || part == "." || part == ".." || strings.Contains(part, `\`):
			return Relative, 4
		case strings.Contains(part, ":"):
			return Colon, 18
		case strings.HasPrefix(part, ".wh."):
			return Whiteout, 18
		case layers.ReservedName(part) != "":
			return Reserved, 18
		case layers.CheckName(part) != nil && layers.UTF16Len(part) <= maxComponent:
			return Name, 18
		}
	}
	return TooLong, 17
}

// nameWarnings are the names that a loose importer takes and programs cannot
// open.
func nameWarnings(h *tar.Header) []Finding {
	rel, ok := strings.CutPrefix(path.Clean(strings.ReplaceAll(h.Name, `\`, "/")), "Files/")
	if !ok || strings.HasPrefix(path.Base(rel), ".wh.") {
		return nil
	}
	found := names(rel, false)
	for i := range found {
		found[i].Warning = true
	}
	return found
}

// rights compares a descriptor with that of the format.
func (c *layerCheck) rights(h *tar.Header, rel string) []Finding {
	dir := h.Typeflag == tar.TypeDir
	got, ok := h.PAXRecords[recordDescriptor]
	if !ok {
		return one(12, NoDescriptor, "it has no security descriptor")
	}
	writable := slices.ContainsFunc(c.opts.Writable, func(w string) bool { return layers.Below(rel, w) })
	if got == layers.Descriptor(dir, writable) || (c.opts.AnyWritable && got == layers.Descriptor(dir, true)) {
		return nil
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(got)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != got {
		return one(13, Descriptor, "its security descriptor is not canonical base64")
	}
	text, err := SDDL(raw)
	if err != nil {
		return one(14, Descriptor, "its security descriptor is malformed: %v", err)
	}
	return one(15, Descriptor, "its security descriptor grants something else than it should: %s", text)
}
