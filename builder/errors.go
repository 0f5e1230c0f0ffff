package builder

import "fmt"

// InputError says that what the user asked for, or the project they gave,
// cannot become an image. Programs end with exit code 2 on it.
type InputError struct {
	Problem string // a complete sentence
	Remedy  string // what to do about it, a complete sentence
}

// Error returns the problem and its remedy.
func (e *InputError) Error() string {
	if e.Remedy == "" {
		return e.Problem
	}
	return e.Problem + " " + e.Remedy
}

// input returns an *InputError whose problem is formatted with args.
func input(remedy, format string, args ...any) error {
	return &InputError{Problem: fmt.Sprintf(format, args...), Remedy: remedy}
}
