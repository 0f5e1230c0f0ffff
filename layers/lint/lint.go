// Package lint says whether Windows would accept a layer or an image, without
// Windows. It holds a model of Windows' layer importer, as hcsshim drives it
// (https://github.com/microsoft/hcsshim/blob/main/internal/wclayer/legacy.go),
// and the stricter rules that every layer of this module obeys.
//
// Layer looks at the tar of a layer, Blob at its compressed form, Image at
// manifest and config together with the layers. Findings carry the number of
// the rule that they break:
//
//	 1 the tar reads to its end            18 names that Windows can hold
//	 2 the roots are Hives and Files       19 files equal the publish folder
//	 3 nothing below Hives                 20 the entry point is a program
//	 4 plain paths below Files             21 the working folder exists
//	 5 folders first, in order             22 the runtime is there
//	 6 no name twice, in any case          23 the blob is plain gzip
//	 7 files and folders only              24 one diff_id per layer
//	 8 constant modes and owners           25 one history entry per layer
//	 9 the time of the rule                26 the platform is the base's
//	10 all times equal                     27 user, environment, command
//	11 file attributes                     28 base layers as they were
//	12 a descriptor below Files only       30 index entries match
//	13 in canonical base64                 32 no folder of the base image
//	14 well-formed                         33 Windows' own rules, loosely
//	15 granting what it should             34 the importer takes it
//	16 no other PAX records
//	17 lengths and UTF-8
package lint

import (
	"errors"
	"fmt"
	"strings"
)

// Mode says which rules count.
type Mode int

// The modes. Strict holds a layer to the format of this module, Permissive only
// to what Windows' importer refuses; the rest are warnings there.
const (
	Strict Mode = iota
	Permissive
)

// Class names a kind of fault. Those that begin with ERR_ would abort an import.
type Class string

// The classes of faults in a layer.
const (
	Malformed     Class = "ERR_TAR"            // not a tar, or cut off
	TooMuch       Class = "ERR_LIMIT"          // more entries than a layer may have
	Exists        Class = "ERR_EXISTS"         // a name twice, in any case (0xb7)
	NotFound      Class = "ERR_PATH_NOT_FOUND" // the folder is not earlier in the tar (0x3)
	Colon         Class = "ERR_COLON"          // a colon in a name
	Relative      Class = "ERR_RELATIVE"       // not a path inside the layer
	TooLong       Class = "ERR_LONG"           // longer than Windows allows
	TooBig        Class = "ERR_TOO_BIG"        // a file of more than 8 GiB
	BadRecord     Class = "ERR_PAX"            // a PAX record that does not parse
	BadTime       Class = "ERR_TIME"           // before 1601
	BadAttributes Class = "ERR_ATTRIBUTES"     // file attributes and type disagree
	BadTombstone  Class = "ERR_TOMBSTONE"      // a deletion outside of Files
	BadLink       Class = "ERR_LINK"           // a hard link that cannot be made
	NoRoot        Class = "ERR_ROOT"           // Hives or Files are missing
	Utility       Class = "ERR_UTILITY_VM"     // holds the second system of a base image

	Root         Class = "ROOT"          // roots out of place
	Order        Class = "ORDER"         // not sorted
	Name         Class = "NAME"          // a name that Windows cannot hold
	Reserved     Class = "RESERVED_NAME" // the name of a device
	Whiteout     Class = "WHITEOUT"      // a deletion
	Type         Class = "TYPE"          // neither file nor folder
	Header       Class = "HEADER"        // modes, owners, tar format
	Time         Class = "TIME"          // another time than the rule says
	Attributes   Class = "ATTRIBUTES"    // another file attribute than 16 and 32
	Descriptor   Class = "DESCRIPTOR"    // another security descriptor
	NoDescriptor Class = "NO_DESCRIPTOR" // none
	NoDACL       Class = "NO_DACL"       // one that grants everybody everything
	Record       Class = "RECORD"        // a PAX record beside the known ones
	BaseFolder   Class = "BASE_FOLDER"   // a folder of the base image
)

// Finding is one fault.
type Finding struct {
	Assertion int // the number of the rule
	Class     Class
	Path      string // of the entry, or the part of the image; may be empty
	Message   string
	Warning   bool // worth saying, but no reason to refuse
}

func (f Finding) String() string {
	s := fmt.Sprintf("%s: %s (rule %d)", f.Class, f.Message, f.Assertion)
	if f.Path != "" {
		s = f.Path + ": " + s
	}
	return s
}

// Report is what was found, with the number of files and folders and the bytes
// of the files that were seen.
type Report struct {
	Findings []Finding
	Files    int
	Dirs     int
	Bytes    int64
}

// OK says that nothing but warnings was found.
func (r Report) OK() bool { return r.Err() == nil }

// mostNamed is how many findings an error names.
const mostNamed = 50

// Err is nil, or names the findings that are not warnings, of many the first.
func (r Report) Err() error {
	var lines []string
	for _, f := range r.Findings {
		if !f.Warning {
			lines = append(lines, f.String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if more := len(lines) - mostNamed; more > 0 {
		lines = append(lines[:mostNamed], fmt.Sprintf("and %d more", more))
	}
	return errors.New("Windows or the format refuses it: " + strings.Join(lines, "; "))
}

// Has says whether a fault of this class was found, warnings included.
func (r Report) Has(c Class) bool {
	for _, f := range r.Findings {
		if f.Class == c {
			return true
		}
	}
	return false
}
