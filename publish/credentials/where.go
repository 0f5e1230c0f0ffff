package credentials

// Where is the place that credentials are kept in; the zero value is none.
type Where struct {
	File    string // for people
	Program string // of the helper, "" where the file itself holds them
}

// String says "in FILE" or "by PROGRAM".
func (w Where) String() string {
	switch {
	case w.Program != "":
		return "by " + w.Program
	case w.File != "":
		return "in " + w.File
	}
	return "nowhere"
}
