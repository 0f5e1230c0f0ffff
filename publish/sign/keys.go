//go:build !nosign

package sign

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
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

// maxReference bounds the reference of a key, in bytes; no name of a file is longer.
const maxReference = 4096

// checkReference refuses a reference that is rather a key itself, as it becomes one where
// somebody writes $COSIGN_KEY in place of env://COSIGN_KEY. The error does not repeat it:
// it would show the key to all who read the log.
func checkReference(flag, ref string) error {
	inBase64 := base64.StdEncoding.EncodeToString([]byte(pemBegin[:9])) // of whole groups, as more follows
	if strings.Contains(ref, pemBegin) || strings.Contains(ref, inBase64) || strings.ContainsAny(ref, "\r\n") || len(ref) > maxReference {
		return fmt.Errorf("%s takes the name of a file or env://NAME, and not the key itself; put the key into a variable and name that: %s env://COSIGN_KEY", flag, flag)
	}
	return nil
}

// pemBegin begins what keys are in.
const pemBegin = "-----BEGIN"

// readKey returns the text of a key that a file or a variable holds. Its errors never
// have a part of it.
func readKey(ref string, env Environment) ([]byte, error) {
	if name, ok := strings.CutPrefix(ref, fromVariable); ok {
		text := lookup(env.Environ, name)
		if text == "" {
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
		return nil, fmt.Errorf("read the key %s: %w", ref, pathless(err))
	}
	if len(text) > maxKey {
		return nil, fmt.Errorf("read the key %s: it has more than %d KiB and is no key", ref, maxKey>>10)
	}
	return text, nil
}
