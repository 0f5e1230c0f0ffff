package builder

import (
	"errors"
	"strconv"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

const ownFolder = `Choose a folder of its own, such as C:\app.`

// windowsPath returns a folder of C: in its usual form, `C:\a\b`. A path that
// starts with a single slash or backslash, as Linux images have them, is taken
// as one of C:. what names the folder in errors, such as "--app-dir".
func windowsPath(what, p string) (string, error) {
	full := p
	if rest := strings.ReplaceAll(p, `\`, "/"); strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, "//") {
		full = "C:" + rest
	}
	dir, err := layers.WindowsDir(full)
	if err != nil {
		return "", folderError(what, p, err)
	}
	return `C:\` + strings.ReplaceAll(dir, "/", `\`), nil
}

// folderError says why a folder is refused.
func folderError(what, p string, err error) error {
	var name *layers.NameError
	if !errors.As(err, &name) {
		return err
	}
	remedy := name.Remedy
	if remedy != "" {
		remedy = strings.ToUpper(remedy[:1]) + remedy[1:] + "."
	}
	return input(remedy, `%s "%s" cannot be used: %s.`, what, p, name.Reason)
}

// isDriveRelative reports whether a path is one such as "C:app", which Windows
// takes as relative to the folder that happens to be current on the drive.
func isDriveRelative(p string) bool {
	return len(p) > 2 && p[1] == ':' && p[2] != '\\' && p[2] != '/'
}

// slashPath returns the path of a folder `C:\a\b` as layers name it, "a/b".
func slashPath(folder string) string {
	return strings.ReplaceAll(strings.TrimPrefix(folder, `C:\`), `\`, "/")
}

// joinWindows returns the path of a file, named by a slash path, in a folder.
func joinWindows(folder, slashPath string) string {
	return strings.TrimSuffix(folder, `\`) + `\` + strings.ReplaceAll(slashPath, "/", `\`)
}

// checkOwn refuses a folder `C:\a\b` that belongs to the base: a layer that
// names a folder replaces the permissions it has. baseFolders are the base's
// top-level folders as far as they are known. Those of IIS are refused always,
// as layers.WindowsDir refuses those of Windows.
func checkOwn(what, folder string, baseFolders []string) error {
	top, _, _ := strings.Cut(slashPath(folder), "/")
	if strings.EqualFold(top, "inetpub") {
		return input(ownFolder, `%s "%s" lies in a folder of IIS, whose permissions the image would replace.`, what, folder)
	}
	for _, f := range baseFolders {
		if strings.EqualFold(f, top) {
			return input(`Choose another one with --app-dir, such as C:\service.`, `%s "%s" lies in C:\%s, which the base image has already and whose permissions the image would replace.`, what, folder, top)
		}
	}
	return nil
}

func quote(s string) string { return strconv.Quote(s) }
