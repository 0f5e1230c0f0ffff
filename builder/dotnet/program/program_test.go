package program

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("mode bits of Unix")
	}
	first, second := t.TempDir(), t.TempDir()
	for file, mode := range map[string]os.FileMode{filepath.Join(first, "tool"): 0o644, filepath.Join(second, "tool"): 0o755} {
		if err := os.WriteFile(file, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=/nowhere", "PATH=." + string(os.PathListSeparator) + first + string(os.PathListSeparator) + second}
	for _, test := range []struct{ name, dir, want string }{
		{"tool", "", filepath.Join(second, "tool")},
		{"./tool", second, filepath.Join(second, "tool")},
		{filepath.Join(second, "tool"), first, filepath.Join(second, "tool")},
		{"./tool", first, ""},
		{"other", second, ""},
	} {
		got, err := Find(test.name, test.dir, env)
		var missing *NotFound
		if got != test.want || (test.want == "") != errors.As(err, &missing) {
			t.Errorf("Find(%q, %q) = %q, %v; want %q", test.name, test.dir, got, err, test.want)
		}
	}
}
