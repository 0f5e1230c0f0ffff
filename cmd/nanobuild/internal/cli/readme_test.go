package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite the generated parts of the README")

// TestReadme keeps the README's tables equal to what the program has.
func TestReadme(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "..", "..", "README.md")
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old = bytes.ReplaceAll(old, []byte("\r\n"), []byte("\n"))
	text := string(old)
	for section, table := range map[string]string{"flags": flagTables(), "environment": environmentTable()} {
		if text, err = replaceSection(text, section, table); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case text == string(old):
	case *update:
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the README's tables differ from the program: run go test ./cmd/nanobuild/internal/cli -run TestReadme -update")
	}
}

func replaceSection(text, name, content string) (string, error) {
	start := strings.Index(text, "<!-- "+name+":")
	end := strings.Index(text, "<!-- end of "+name+" -->")
	if start < 0 || end < start {
		return "", fmt.Errorf("the README has no section %s", name)
	}
	line := start + strings.Index(text[start:], "\n") + 1
	return text[:line] + "\n" + content + "\n" + text[end:], nil
}

func flagTables() string {
	root := (&app{}).root()
	var b strings.Builder
	for _, c := range root.Commands() {
		if c.Hidden || !c.LocalFlags().HasFlags() {
			continue
		}
		writeFlags(&b, c)
	}
	fmt.Fprintf(&b, "### every command\n\n")
	writeTable(&b, root.PersistentFlags())
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func writeFlags(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "### %s\n\n", c.CommandPath())
	writeTable(b, c.LocalFlags())
}

func writeTable(b *strings.Builder, flags *pflag.FlagSet) {
	fmt.Fprintf(b, "| Flag | Meaning |\n| --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if value != "" && f.Value.Type() != "bool" {
			name += " " + value
		}
		usage = strings.ReplaceAll(strings.ReplaceAll(usage, "\n", " "), "|", "\\|")
		if d := f.DefValue; d != "" && d != "[]" && d != "false" {
			usage += " (default " + d + ")"
		}
		fmt.Fprintf(b, "| %s` | %s |\n", strings.ReplaceAll(name, "|", "\\|"), usage)
	})
	b.WriteString("\n")
}

func environmentTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| Variable | Meaning |\n| --- | --- |\n")
	for _, v := range variables {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.name, v.meaning)
	}
	return b.String()
}
