package base

import (
	"fmt"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// CheckOSVersion refuses an Options.OSVersion that is neither empty nor a version
// of three or four numbers.
func CheckOSVersion(v string) error {
	if v == "" {
		return nil
	}
	if _, err := winver.ParsePrefix(v); err != nil {
		return fmt.Errorf("--os-version %w", err)
	}
	return nil
}

// matches says whether an image of version have satisfies the request want, of
// three or four parts.
func matches(have, want string) bool {
	h, err := winver.ParsePrefix(have)
	if err != nil {
		return false
	}
	w, err := winver.ParsePrefix(want)
	return err == nil && (h.Full || !w.Full) && w.Matches(h.Version)
}
