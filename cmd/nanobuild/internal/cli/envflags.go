package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// applyEnvironment sets every flag that was not given from its variable. A
// repeatable flag takes one value per line. A variable gives way to a flag that was
// given and rules its own flag out.
func (p Process) applyEnvironment(flags *pflag.FlagSet) error {
	given := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		value := p.getenv(flagVariable(f.Name))
		if given[f.Name] || value == "" || failed != nil || f.Name == "help" || f.Annotations[givenOnly] != nil || ruledOut(flags, given, f.Name) {
			return
		}
		failed = setFrom(flags, f, value)
	})
	return failed
}

// setFrom sets a flag to the value of its variable.
func setFrom(flags *pflag.FlagSet, f *pflag.Flag, value string) error {
	values := []string{value}
	if f.Value.Type() == "stringArray" {
		values = strings.Split(strings.TrimRight(strings.ReplaceAll(value, "\r\n", "\n"), "\n"), "\n")
	}
	for _, v := range values {
		if v == "" { // a blank line is no value
			continue
		}
		if err := flags.Set(f.Name, v); err != nil {
			return usageError{fmt.Errorf("read %s: %w", flagVariable(f.Name), err)}
		}
	}
	return nil
}

// givenOnly marks flags that no variable stands for.
const givenOnly = "given-only"

// onlyGiven leaves flags to the command line: where a variable that is meant for
// another command would do harm.
func onlyGiven(flags *pflag.FlagSet, names ...string) {
	for _, n := range names {
		if f := flags.Lookup(n); f != nil {
			f.Annotations = map[string][]string{givenOnly: {}}
		}
	}
}

// rivals are the flags that cannot stand together.
func rivals() map[string][]string {
	return map[string][]string{
		"into-index": {"repo", "tag", "oci-layout", "tarball", "push"},
		"index":      {"os-version"},
	}
}

// ruledOut says whether a flag cannot stand with those that were given.
func ruledOut(flags *pflag.FlagSet, given map[string]bool, name string) bool {
	for one, others := range rivals() {
		if given[one] && slices.Contains(others, name) {
			return true
		}
		if name == one && slices.ContainsFunc(others, func(o string) bool { return given[o] }) {
			return true
		}
	}
	return name == "os-version" && given["base"] && severalBases(flags)
}

// severalBases says whether more than one base is named.
func severalBases(flags *pflag.FlagSet) bool {
	bases, err := flags.GetStringArray("base")
	return err == nil && (len(bases) > 1 || slices.Contains(bases, "all"))
}
