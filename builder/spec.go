package builder

import (
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

// defaultAppDir is where applications live, so that images share their layers.
const defaultAppDir = `C:\app`

// The formats of an image.
const (
	FormatDocker = "docker" // Docker's image manifest version 2, schema 2
	FormatOCI    = "oci"    // the OCI image specification
)

// parseFormat returns a format in its usual spelling, or "".
func parseFormat(what, s string) (string, error) {
	switch f := strings.ToLower(s); f {
	case "", FormatDocker, FormatOCI:
		return f, nil
	}
	return "", input("Use docker or oci.", "%s %q is not an image format.", what, s)
}

// Spec is everything that decides the image of an application, but for the
// base and the application's files. Configure makes one.
type Spec struct {
	AppDir  string // where the application lives, such as `C:\app`
	WorkDir string // WorkingDir of the image; made if it is not part of AppDir
	Entry   Entry

	Env         []Var    // besides the base's; replaces those of the same name
	Ports       []string // such as "8080/tcp", besides the base's
	User        string   // "" keeps the base's
	Labels      []Var    // besides the base's
	Annotations []Var    // of the manifest; possible in the OCI family only
	Generate    Generate // which labels about the base are written

	Web *Web // nil when the application serves no HTTP

	Format string // FormatDocker, FormatOCI, or "" for the base's own
	Single bool   // one layer instead of one for each origin
	// Compression is that of our layers. Zstd is possible in the OCI family only.
	Compression layers.Compression
	Writable    []string
	// Foreign makes ordinary layers of the base's foreign ones, so that they are kept
	// with the image instead of being fetched from their URLs.
	Foreign bool
	Clock   layers.Clock
}

// Validate returns an *InputError when the spec cannot become an image
// whatever the base is.
func (s *Spec) Validate() error {
	for _, dir := range append([]string{s.AppDir}, s.Writable...) {
		if clean, err := windowsPath("the folder", dir); err != nil || clean != dir {
			return input(ownFolder, "The folder %q is not an absolute path of Windows.", dir)
		}
	}
	if !strings.HasPrefix(s.WorkDir, `C:\`) {
		return input(ownFolder, "The working directory %q is not an absolute path of Windows.", s.WorkDir)
	}
	if len(s.Entry.Entrypoint) == 0 && !s.Entry.KeepEntrypoint {
		return input("Name the program with --entrypoint.", "The image has no program to start.")
	}
	if isLinuxUser(s.User) && s.User != "" {
		_, err := checkUser("User", s.User)
		return err
	}
	if _, err := parsePorts("Port", s.Ports); err != nil {
		return err
	}
	if len(s.Annotations) > 0 && s.Format == FormatDocker {
		return dockerAnnotations()
	}
	if s.Compression == layers.Zstd && s.Format == FormatDocker {
		return dockerZstdLayers()
	}
	_, err := parseFormat("Format", s.Format)
	return err
}

func dockerAnnotations() error {
	return input("Add --format oci, or use --label.", "A manifest in Docker's format cannot have annotations.")
}

func dockerZstdLayers() error {
	return input("Add --format oci, or leave --compression out.", "An image in Docker's format cannot have layers compressed with zstd.")
}

// dirs returns the folders that must exist in the app layer, as layers name
// them.
func (s *Spec) dirs() []string {
	w := slashPath(s.WorkDir)
	if w == "" || strings.EqualFold(w, slashPath(s.AppDir)) {
		return nil
	}
	return []string{w}
}

func (s *Spec) writable() []string {
	out := make([]string, 0, len(s.Writable))
	for _, w := range s.Writable {
		out = append(out, slashPath(w))
	}
	return out
}

// checkFolders refuses folders that the base has already.
func (s *Spec) checkFolders(base []string) error {
	if err := checkOwn("The application's folder", s.AppDir, base); err != nil {
		return err
	}
	if len(s.dirs()) > 0 {
		if err := checkOwn("The working directory", s.WorkDir, base); err != nil {
			return err
		}
	}
	for _, w := range s.Writable {
		if err := checkOwn("The writable folder", w, base); err != nil {
			return err
		}
	}
	return nil
}
