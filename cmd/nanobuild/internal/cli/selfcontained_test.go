package cli

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestSelfContainedFlag(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"": "", "--self-contained": "true", "--self-contained=true": "true", "--self-contained=false": "false", "--self-contained=0": "false",
		"--self-contained=false --self-contained": "true", "--self-contained=no": "use true or false",
	} {
		var got string
		flags := pflag.NewFlagSet("publish", pflag.ContinueOnError)
		addSelfContained(flags, &got)
		if err := flags.Parse(strings.Fields(line)); err != nil {
			_, got, _ = strings.Cut(err.Error(), "flag: ")
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
