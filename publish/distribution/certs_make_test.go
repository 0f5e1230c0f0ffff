package distribution

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/authority"
)

// local is a certificate for this machine.
func local(t *testing.T, a *authority.Authority) tls.Certificate {
	t.Helper()
	return a.Pair(t, "localhost", "127.0.0.1")
}

// write writes the files, with their folders.
func write(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
