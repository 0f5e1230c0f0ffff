package lint

import (
	"archive/tar"
	"encoding/base64"
	"strings"
)

// descriptor finds what the importer cannot set, and warns of entries that end
// with rights nobody chose.
func descriptor(h *tar.Header) []Finding {
	below := strings.HasPrefix(h.Name, "Files/") && h.Typeflag != tar.TypeSymlink
	text, ok := h.PAXRecords[recordDescriptor]
	if !ok {
		if _, sddl := h.PAXRecords[recordSDDL]; below && !sddl {
			return []Finding{{Assertion: 33, Class: NoDescriptor, Warning: true, Message: "no security descriptor: what Windows makes of that depends on the engine"}}
		}
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return one(13, BadRecord, "%s is not base64: %v", recordDescriptor, err)
	}
	sd, err := parseDescriptor(raw)
	if err != nil {
		return one(14, BadRecord, "%s: %v", recordDescriptor, err)
	}
	if below && sd.dacl == nil {
		return []Finding{{Assertion: 33, Class: NoDACL, Warning: true, Message: "no access list: everybody in the container may change the file"}}
	}
	return nil
}
