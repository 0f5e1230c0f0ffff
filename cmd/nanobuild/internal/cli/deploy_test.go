package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeployExamples: the command lines in the examples are ones that this program
// understands.
func TestDeployExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "testdata", "deploy", "*.yml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("found %q, %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "\t") {
			t.Errorf("%s: YAML has no tabs", file)
		}
		found := 0
		for line := range strings.Lines(string(raw)) {
			_, command, ok := strings.Cut(strings.TrimSpace(line), "nanobuild ")
			if !ok || strings.Contains(line, "# ") && !strings.Contains(line, "|") {
				continue
			}
			found++
			if err := understands(command); err != nil {
				t.Errorf("%s: nanobuild %s: %v", file, command, err)
			}
		}
		if found == 0 {
			t.Errorf("%s holds no command line of nanobuild", file)
		}
	}
}

// understands parses the words of a command line and runs nothing.
func understands(command string) error {
	words := strings.Fields(command)
	for i := range words {
		words[i] = strings.Trim(words[i], `"'`)
	}
	cmd, rest, err := (&app{}).root().Find(words)
	if err != nil {
		return err
	}
	return cmd.ParseFlags(rest)
}

func TestDeployExamplesCanFail(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"rebas --from x", "rebase --frm x", "rebase --jobs many"} {
		if understands(wrong) == nil {
			t.Errorf("nanobuild %s is understood", wrong)
		}
	}
}
