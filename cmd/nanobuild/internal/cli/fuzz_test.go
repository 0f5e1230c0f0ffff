package cli

import (
	"context"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// parsed returns the flags of publish as a command line and an environment set
// them, and whether they were understood.
func parsed(environ, args []string) (map[string][]string, bool) {
	a := &app{Process: Process{Stdout: io.Discard, Stderr: io.Discard, Environ: environ}}
	cmd := a.publish()
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	values := map[string][]string{}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.applyEnvironment(cmd.Flags()); err != nil {
			return err
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if list, ok := f.Value.(pflag.SliceValue); ok {
				values[f.Name] = list.GetSlice()
			} else {
				values[f.Name] = []string{f.Value.String()}
			}
		})
		return nil
	}
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	return values, cmd.ExecuteContext(context.Background()) == nil
}

// FuzzFlags gives any text as the value of each flag: it is kept as it is, not
// split, and the variable that stands for the flag means the same.
func FuzzFlags(f *testing.F) {
	for _, s := range []string{"A=b,c", "8080", "--repo", "x y", "-", "--", "=", "a\nb", "\"q\"", "true", "1,2", "2026-11-25T12:00:00Z", "oci:a@sha256:00", "%41", `C:\x`, "\xff"} {
		f.Add("env", s)
		f.Add("port", s)
		f.Add("created", s)
		f.Add("jobs", s)
		f.Add("push", s)
		f.Add("label", s)
		f.Add("oci-layout", s)
		f.Add("upload-chunk-size", s)
		f.Add("insecure", s)
	}
	f.Fuzz(func(t *testing.T, flag, value string) {
		given, ok := parsed(nil, []string{"--" + flag + "=" + value})
		if flag == "help" || strings.ContainsAny(flag, "=") || given[flag] == nil {
			return // another flag than that, or none
		}
		list := len(given[flag]) != 1 || given[flag][0] != value
		if ok && list && isText(flag) {
			t.Errorf("--%s=%q became %q", flag, value, given[flag])
		}
		if value == "" || strings.ContainsAny(value, "\r\n\x00") || !utf8.ValidString(value) {
			return // a variable cannot hold that, or holds several
		}
		variable, okToo := parsed([]string{string(flagVariable(flag)) + "=" + value}, nil)
		if ok != okToo || ok && !reflect.DeepEqual(given, variable) {
			t.Errorf("--%s=%q is %v %q, but %s is %v %q", flag, value, ok, given[flag], flagVariable(flag), okToo, variable[flag])
		}
	})
}

// isText says whether the value of a flag is text, which is kept as it is.
func isText(flag string) bool {
	f := (&app{}).publish().Flags().Lookup(flag)
	return f != nil && (f.Value.Type() == "string" || f.Value.Type() == "stringArray")
}

// FuzzArguments gives any three arguments to the program, which at most refuses
// them: what is not understood is a usage error, in one line.
func FuzzArguments(f *testing.F) {
	for _, args := range [][3]string{
		{"version", "", ""}, {"publish", "--help", ""}, {"publish", "--env", "=\x00"}, {"help", "publish", "x"}, {"publsh", "", ""},
		{"completion", "bash", "--no-descriptions"}, {"--log-format", "json", "nothing"}, {"-qv", "version", ""}, {"__complete", "publish", "--"},
	} {
		f.Add(args[0], args[1], args[2])
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		// Commands that would look for projects, registries or a cache are left out.
		for _, word := range []string{a, b, c} {
			switch word {
			case "publish", "pub", "push", "inspect", "verify", "login", "logout", "cache", "demo":
				if b != "--help" && c != "--help" {
					return
				}
			}
		}
		var args []string
		for _, word := range []string{a, b, c} {
			if word != "" {
				args = append(args, word)
			}
		}
		var stdout, stderr strings.Builder
		p := Process{Stdout: &stdout, Stderr: &stderr, WorkDir: t.TempDir(), Version: "test"}
		switch code := Run(t.Context(), p, args); {
		case code != exitOK && code != exitUsage:
			t.Errorf("%q ends with %d: %s", args, code, stderr.String())
		case code == exitUsage && strings.Count(strings.TrimSpace(stderr.String()), "\n") > 0:
			t.Errorf("%q: an error of several lines: %q", args, stderr.String())
		}
	})
}
