package layers

import (
	"errors"
	"slices"
	"strings"
)

// baseFolders are the top-level folders that every Windows base image has. An
// entry for one of them in a layer would replace its security descriptor.
var baseFolders = []string{
	"WINDOWS", "USERS", "PROGRAM FILES", "PROGRAM FILES (X86)", "PROGRAMDATA",
	"DOCUMENTS AND SETTINGS", "SYSTEM VOLUME INFORMATION", "$RECYCLE.BIN", "RECOVERY",
	"PROGRA~1", "PROGRA~2", "PROGRA~3", "DOCUME~1", // their short names
}

// BaseOwned says whether a slash-separated path below C: lies in a folder that
// belongs to the base image.
func BaseOwned(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	first = Fold(first)
	return slices.Contains(baseFolders, first) || strings.HasPrefix(first, "PROGRAM FILES")
}

// WindowsDir turns a Windows folder such as C:\app\data into the slash path
// below C: that layers use, app/data. Forward slashes, either case of the drive
// letter and slashes at the end are accepted. It refuses, with a *NameError,
// what is not an absolute path on C:, C:\ itself, folders of the base image,
// and names that Windows cannot hold.
func WindowsDir(p string) (string, error) {
	refuse := func(reason, remedy string) (string, error) {
		return "", &NameError{Path: shorten(p), Reason: reason, Remedy: remedy}
	}
	s := strings.ReplaceAll(p, `\`, "/")
	if strings.HasPrefix(s, "//") {
		return refuse("network and device paths cannot be part of an image", `give a folder such as C:\app`)
	}
	if len(s) < 3 || s[1] != ':' || s[2] != '/' {
		return refuse("not an absolute Windows path", `give drive and folder, such as C:\app`)
	}
	if s[0] != 'C' && s[0] != 'c' {
		return refuse("an image has the drive C: only", `give a folder such as C:\app`)
	}
	rel := joinParts(s[3:])
	if rel == "" {
		return refuse(`C:\ itself belongs to the base image`, `give a folder below it, such as C:\app`)
	}
	var bad *NameError
	if errors.As(CheckDirName(rel), &bad) {
		return refuse(bad.Reason, bad.Remedy)
	}
	if BaseOwned(rel) {
		return refuse("the folder belongs to the base image, whose access rights a layer would replace", `choose a folder of your own, such as C:\app`)
	}
	return rel, nil
}

// joinParts drops the empty parts that doubled and trailing slashes make.
func joinParts(s string) string {
	parts := strings.Split(s, "/")
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "/")
}
