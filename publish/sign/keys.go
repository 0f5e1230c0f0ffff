//go:build !nosign

package sign

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// fromVariable begins the reference of a key that a variable of the environment holds.
const fromVariable = "env://"

// maxKey bounds the text of a key, in bytes. One for RSA has a few thousand.
const maxKey = 64 << 10

// kmsReference is what the reference of a key in a KMS looks like. Its scheme becomes
// the name of a program, so nothing in it may lead elsewhere.
var kmsReference = regexp.MustCompile(`^([a-z0-9-]+)://.+$`)

// isKMS tells whether a reference is that of a key in a KMS, and neither a file nor a
// variable.
func isKMS(ref string) bool {
	return strings.Contains(ref, "://") && !strings.HasPrefix(ref, fromVariable)
}

// readKey returns the text of a key that a file or a variable holds. Its errors never
// have a part of it.
func readKey(ref string, env Environment) ([]byte, error) {
	if name, ok := strings.CutPrefix(ref, fromVariable); ok {
		text, ok := env.variable(name)
		if !ok || text == "" {
			return nil, fmt.Errorf("read the key %s: the variable %s is not set", ref, name)
		}
		return []byte(text), nil
	}
	file := ref
	if !filepath.IsAbs(file) {
		file = filepath.Join(env.WorkDir, file)
	}
	text, err := readAtMost(file, maxKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key %s: there is no such file; a key in a variable is named env://NAME", ref)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key %s: %w", ref, err)
	}
	return text, nil
}

func readAtMost(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it has more than %d KiB and is no key", limit>>10)
	}
	return text, err
}

// variable returns the value of a variable of the environment. The last one counts, as
// it does for programs.
func (e Environment) variable(name string) (value string, ok bool) {
	for _, pair := range e.Environ {
		if k, v, found := strings.Cut(pair, "="); found && k == name {
			value, ok = v, true
		}
	}
	return value, ok
}
