package lint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Bits of a descriptor's control field and of an ACE's flags:
// https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/7d4dac05-9cef-4563-a058-f108abecce1d
const (
	daclPresent  = 0x0004
	selfRelative = 0x8000

	sdHeader  = 20 // bytes
	aclHeader = 8
	aceHeader = 8 // with the mask

	typeAllow = 0
	typeDeny  = 1
)

// sd is a parsed security descriptor.
type sd struct {
	owner, group string
	dacl         *acl // nil: everybody may do everything
}

type acl struct {
	aces  []ace
	slack int // bytes behind the last entry
}

type ace struct {
	kind  byte
	flags byte
	mask  uint32
	sid   string // of entries that allow and deny only
}

// SDDL is the text form of a self-relative security descriptor, with the
// abbreviations that Windows itself uses for the SIDs and rights of layers.
// It fails when the bytes are not a well-formed descriptor. Auditing lists are
// not shown.
func SDDL(raw []byte) (string, error) {
	d, err := parseDescriptor(raw)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if d.owner != "" {
		b.WriteString("O:" + alias(d.owner))
	}
	if d.group != "" {
		b.WriteString("G:" + alias(d.group))
	}
	if d.dacl != nil {
		if d.dacl.slack > 0 {
			return "", errors.New("access list: bytes behind its last entry")
		}
		b.WriteString("D:")
		for _, a := range d.dacl.aces {
			b.WriteString(a.String())
		}
	}
	return b.String(), nil
}

func parseDescriptor(raw []byte) (*sd, error) {
	if len(raw) < sdHeader {
		return nil, errors.New("the descriptor is cut off")
	}
	if raw[0] != 1 || raw[1] != 0 {
		return nil, fmt.Errorf("descriptor revision %d.%d, not 1.0", raw[0], raw[1])
	}
	control := binary.LittleEndian.Uint16(raw[2:])
	if control&selfRelative == 0 {
		return nil, errors.New("the descriptor is not self-relative")
	}
	var d sd
	var err error
	if d.owner, err = sidAt(raw, binary.LittleEndian.Uint32(raw[4:])); err != nil {
		return nil, fmt.Errorf("owner: %w", err)
	}
	if d.group, err = sidAt(raw, binary.LittleEndian.Uint32(raw[8:])); err != nil {
		return nil, fmt.Errorf("group: %w", err)
	}
	if at := binary.LittleEndian.Uint32(raw[16:]); control&daclPresent != 0 && at != 0 {
		if d.dacl, err = aclAt(raw, at); err != nil {
			return nil, fmt.Errorf("access list: %w", err)
		}
	}
	return &d, nil
}

// sidAt is the SID at an offset, "" at none.
func sidAt(raw []byte, at uint32) (string, error) {
	if at == 0 {
		return "", nil
	}
	if int64(at) < sdHeader || int64(at) > int64(len(raw)) {
		return "", errors.New("an offset outside of the descriptor")
	}
	sid, _, err := parseSID(raw[at:])
	return sid, err
}

// parseSID returns a SID and its length in bytes.
func parseSID(b []byte) (string, int, error) {
	const fixed, mostParts = 8, 15
	if len(b) < fixed || b[0] != 1 || b[1] > mostParts || len(b) < fixed+4*int(b[1]) {
		return "", 0, errors.New("a malformed SID")
	}
	var authority uint64
	for _, c := range b[2:fixed] {
		authority = authority<<8 | uint64(c)
	}
	s := fmt.Sprintf("S-1-%d", authority)
	n := fixed
	for range b[1] {
		s += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(b[n:]))
		n += 4
	}
	return s, n, nil
}

func aclAt(raw []byte, at uint32) (*acl, error) {
	if int64(at) < sdHeader || int64(at)+aclHeader > int64(len(raw)) {
		return nil, errors.New("an offset outside of the descriptor")
	}
	b := raw[at:]
	size, count := int(binary.LittleEndian.Uint16(b[2:])), int(binary.LittleEndian.Uint16(b[4:]))
	if b[0] != 2 && b[0] != 4 {
		return nil, fmt.Errorf("revision %d", b[0])
	}
	if size < aclHeader || size > len(b) {
		return nil, errors.New("its size does not fit")
	}
	list := &acl{}
	rest := b[aclHeader:size]
	for range count {
		a, n, err := parseACE(rest)
		if err != nil {
			return nil, err
		}
		list.aces = append(list.aces, a)
		rest = rest[n:]
	}
	list.slack = len(rest)
	return list, nil
}

func parseACE(b []byte) (ace, int, error) {
	if len(b) < aceHeader {
		return ace{}, 0, errors.New("an entry is cut off")
	}
	size := int(binary.LittleEndian.Uint16(b[2:]))
	if size < aceHeader || size > len(b) || size%4 != 0 {
		return ace{}, 0, errors.New("an entry's size does not fit")
	}
	a := ace{kind: b[0], flags: b[1], mask: binary.LittleEndian.Uint32(b[4:])}
	if a.kind != typeAllow && a.kind != typeDeny {
		return a, size, nil // of a form that layers do not use
	}
	sid, n, err := parseSID(b[aceHeader:size])
	if err != nil {
		return ace{}, 0, err
	}
	if aceHeader+n != size {
		return ace{}, 0, errors.New("an entry's size does not fit its SID")
	}
	a.sid = sid
	return a, size, nil
}

func (a ace) String() string {
	kind := fmt.Sprintf("type %d", a.kind)
	switch a.kind {
	case typeAllow:
		kind = "A"
	case typeDeny:
		kind = "D"
	}
	flags := ""
	for i, name := range []string{"OI", "CI", "NP", "IO", "ID"} {
		if a.flags&(1<<i) != 0 {
			flags += name
		}
	}
	return fmt.Sprintf("(%s;%s;%s;;;%s)", kind, flags, rights(a.mask), alias(a.sid))
}

// rights names the masks that layers use.
func rights(mask uint32) string {
	switch mask {
	case 0x1f01ff:
		return "FA" // file all
	case 0x10000000:
		return "GA" // generic all
	case 0x2:
		return "DC" // on a folder: add a file
	case 0x4:
		return "LC" // on a folder: add a folder
	}
	return fmt.Sprintf("0x%x", mask)
}

// alias is the two-letter name of a SID:
// https://learn.microsoft.com/windows/win32/secauthz/sid-strings
func alias(sid string) string {
	switch sid {
	case "S-1-5-32-544":
		return "BA" // BUILTIN\Administrators
	case "S-1-5-32-545":
		return "BU" // BUILTIN\Users
	case "S-1-5-18":
		return "SY" // SYSTEM
	case "S-1-3-0":
		return "CO" // creator owner
	case "S-1-1-0":
		return "WD" // everyone
	}
	return sid
}
