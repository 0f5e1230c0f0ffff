package layers

import "strings"

// NameError says that the input cannot become an image: a name that Windows
// refuses, two names it takes for one, a link out of the folder, a special
// file, a file that is too large, a folder that belongs to the base image.
type NameError struct {
	Path   string // the file or folder, as the user knows it
	Reason string // why it is refused
	Remedy string // what to do about it
}

func (e *NameError) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	b.WriteString(": ")
	b.WriteString(e.Reason)
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}
