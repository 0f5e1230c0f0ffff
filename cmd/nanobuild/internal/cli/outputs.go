package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// outputs are the files that get what stdout shows.
type outputs struct{ imageRefs, digestFile string }

func (o *outputs) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.imageRefs, "image-refs", "", "write the references that stdout shows to `FILE` too")
	flags.StringVar(&o.digestFile, "digest-file", "", "write the digests alone to `FILE`, one per line")
}

// checkOutputs finds out before the work begins what cannot be written after it.
func (a *app) checkOutputs(o outputs) error {
	return errors.Join(a.checkFile("--image-refs", o.imageRefs), a.checkFile("--digest-file", o.digestFile))
}

// printRefs writes the references to stdout and to the files that scripts read.
func (a *app) printRefs(o outputs, refs []string) error {
	if len(refs) == 0 {
		return nil
	}
	lines := strings.Join(refs, "\n") + "\n"
	var digests strings.Builder
	for _, r := range refs {
		digests.WriteString(r[strings.LastIndex(r, "@")+1:] + "\n")
	}
	_, err := fmt.Fprint(a.Stdout, lines)
	return errors.Join(err, a.writeFile(o.imageRefs, lines), a.writeFile(o.digestFile, digests.String()))
}

// checkFile finds out before the work begins that a file cannot be written after
// it.
func (a *app) checkFile(flag, file string) error {
	if file == "" {
		return nil
	}
	path := a.absolute(file)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("%s %s is a folder: name a file", flag, file)}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return usageError{fmt.Errorf("%s %s: there is no folder %s; make it first", flag, file, filepath.Dir(path))}
	}
	return nil
}

func (a *app) absolute(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(a.WorkDir, file)
}

func (a *app) writeFile(file, content string) error {
	if file == "" {
		return nil
	}
	file = a.absolute(file)
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		return fmt.Errorf("write the references to %s: %w", file, err)
	}
	return nil
}
