package cli

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestVariablesGiveWay: a flag that was given rules out the variables that cannot stand
// with it, and some flags have none.
func TestVariablesGiveWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command       string
		environ, args []string
		want          string // flags that are set afterwards, by name
	}{
		"into an index":       {"publish", []string{"REPO=r", "TAG=t", "OCI_LAYOUT=l", "TARBALL=f", "PUSH=false", "USER=u"}, []string{"--into-index", "x/y:1"}, "into-index user"},
		"index variable":      {"publish", []string{"INTO_INDEX=x/y:1"}, []string{"--repo", "r"}, "repo"},
		"all of a list":       {"publish", []string{"OS_VERSION=10.0.20348"}, []string{"--index"}, "index"},
		"one of a list":       {"publish", []string{"INDEX=true"}, []string{"--os-version", "10.0.20348"}, "os-version"},
		"several bases":       {"publish", []string{"OS_VERSION=10.0.20348"}, []string{"--base", "a", "--base", "b"}, "base"},
		"all bases":           {"publish", []string{"OS_VERSION=10.0.20348"}, []string{"--base", "all"}, "base"},
		"one base":            {"publish", []string{"OS_VERSION=10.0.20348"}, []string{"--base", "a"}, "base os-version"},
		"nothing in the way":  {"publish", []string{"REPO=r", "TAG=t\nu"}, nil, "repo tag"},
		"rebase":              {"rebase", []string{"BASE=ltsc2025", "OLD_BASE=x", "TAG=pr-17", "CREATED=1"}, nil, "created"},
		"rebase, as flags":    {"rebase", []string{"BASE=ltsc2025"}, []string{"--base", "ltsc2022", "-t", "v1"}, "base tag"},
		"nobody signs":        {"publish", []string{"SIGN_FORMAT=tags", "TRUSTED_ROOT=f", "ATTEST_SBOM=true", "SBOM=spdx"}, nil, ""},
		"documents alone":     {"publish", []string{"SBOM=cyclonedx", "SBOM_FILE=f"}, nil, "sbom-file sbom"},
		"a key":               {"publish", []string{"SIGN_KEY=k", "SIGN_FORMAT=tags", "TRUSTED_ROOT=f", "ATTEST_SBOM=false"}, nil, "sign-key sign-format attest-sbom"},
		"a key as a flag":     {"sign", []string{"SIGN_KEYLESS=true", "REKOR_URL=u", "SIGN_ANNOTATION=a=b"}, []string{"--sign-key", "k"}, "sign-key sign-annotation"},
		"keyless":             {"rebase", []string{"SIGN_KEYLESS=true", "REKOR_URL=u", "TRUSTED_ROOT=f"}, nil, "sign-keyless rekor-url trusted-root"},
		"keyless as a flag":   {"publish", []string{"SIGN_KEY=k", "IDENTITY_TOKEN=f"}, []string{"--sign-keyless"}, "sign-keyless identity-token"},
		"not keyless":         {"publish", []string{"SIGN_KEYLESS=false", "IDENTITY_TOKEN=f"}, nil, "sign-keyless"},
		"rebase of a catalog": {"rebase", []string{"REPO_PREFIX=x/y"}, []string{"-t", "v*"}, "tag repo-prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &app{}
			for _, v := range c.environ {
				a.Environ = append(a.Environ, "NANOBUILD_"+v)
			}
			cmd, rest, err := a.root().Find([]string{c.command})
			if err != nil || len(rest) > 0 {
				t.Fatal(rest, err)
			}
			flags := cmd.Flags()
			if err := flags.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			if err := a.applyEnvironment(flags); err != nil {
				t.Fatal(err)
			}
			var set []string
			flags.Visit(func(f *pflag.Flag) { set = append(set, f.Name) })
			if got := strings.Join(set, " "); got != c.want {
				t.Errorf("set %q, want %q", got, c.want)
			}
		})
	}
}
