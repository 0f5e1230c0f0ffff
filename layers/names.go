package layers

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxComponent = 255   // UTF-16 units of one name on NTFS
	maxPath      = 32767 // UTF-16 units of a path in the Windows API

	// sidecar ends the name of the file that Windows' importer makes beside
	// every folder, so such a name is taken, and a folder's name must leave
	// room for it (hcsshim, internal/wclayer/legacy.go).
	sidecar = ".$wcidirs$"

	// whiteout begins the name of an entry that deletes a file
	// (https://github.com/opencontainers/image-spec/blob/main/layer.md).
	whiteout = ".wh."
)

// CheckName says whether Windows can hold a file at this slash-separated path
// below C:. The error is a *NameError. Naming rules:
// https://learn.microsoft.com/windows/win32/fileio/naming-a-file
func CheckName(path string) error {
	if err := checkLength(path); err != nil {
		return err
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		limit := maxComponent
		if i < len(parts)-1 {
			limit -= len(sidecar)
		}
		if err := checkComponent(path, part, limit); err != nil {
			return err
		}
	}
	return nil
}

// CheckDirName is CheckName for a folder, whose name must be shorter.
func CheckDirName(path string) error {
	if err := checkLength(path); err != nil {
		return err
	}
	for part := range strings.SplitSeq(path, "/") {
		if err := checkComponent(path, part, maxComponent-len(sidecar)); err != nil {
			return err
		}
	}
	return nil
}

func checkLength(path string) error {
	if n := UTF16Len("Files/" + path); n > maxPath {
		return &NameError{Path: shorten(path), Reason: fmt.Sprintf("the path is %d characters long, Windows allows %d", n, maxPath), Remedy: "shorten it"}
	}
	return nil
}

func checkComponent(path, name string, limit int) error {
	refuse := func(remedy, format string, args ...any) error {
		return &NameError{Path: shorten(path), Reason: fmt.Sprintf(format, args...), Remedy: remedy}
	}
	if !utf8.ValidString(name) {
		return refuse("rename it", "the name %q is not valid UTF-8", shorten(name))
	}
	if name == "" || name == "." || name == ".." {
		return refuse("give a plain path", "the path has the part %q", name)
	}
	if n := UTF16Len(name); n > limit {
		return refuse("shorten it", "the name %q is %d characters long, Windows allows %d here", shorten(name), n, limit)
	}
	if i := strings.IndexFunc(name, forbidden); i >= 0 {
		r, _ := utf8.DecodeRuneInString(name[i:])
		return refuse("rename it", "Windows does not allow the character %q in a name", r)
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return refuse("rename it", "Windows drops the dot or space at the end of %q", name)
	}
	if device := ReservedName(name); device != "" {
		return refuse("rename it", "Windows reserves the name %s for a device, with any extension", device)
	}
	if strings.HasPrefix(name, whiteout) {
		return refuse("rename it", "a name that begins with %s means a deletion in an image layer", whiteout)
	}
	if len(name) >= len(sidecar) && strings.HasSuffix(Fold(name), Fold(sidecar)) {
		return refuse("rename it", "a name that ends in %s is used by Windows' layer importer", sidecar)
	}
	return nil
}

func forbidden(r rune) bool {
	return r < 0x20 || strings.ContainsRune(`<>:"|?*\/`, r)
}

// ReservedName is the device that a name of one component stands for, or "".
func ReservedName(name string) string {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.TrimRight(stem, " ")
	if n := len(stem); n < len("CON") || n > len("CONOUT$")*utf8.UTFMax {
		return ""
	}
	switch stem = Fold(stem); stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return stem
	}
	for _, prefix := range []string{"COM", "LPT"} {
		digit, ok := strings.CutPrefix(stem, prefix)
		if ok && utf8.RuneCountInString(digit) == 1 && strings.Contains("0123456789¹²³", digit) {
			return stem
		}
	}
	return ""
}

// UTF16Len is the length of s in the units that Windows counts.
func UTF16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// shorten keeps messages readable where a name is not.
func shorten(s string) string {
	const most = 200 // bytes
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
