package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// applyEnvironment sets every flag that was not given from its variable. A
// repeatable flag takes one value per line. A variable gives way to a flag that was
// given and rules its own flag out, and says nothing where what it is about is not done.
func (p Process) applyEnvironment(flags *pflag.FlagSet) error {
	given := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	var failed error
	apply := func(dependent bool) {
		flags.VisitAll(func(f *pflag.Flag) {
			leaders := leadersOf(flags, f.Name)
			if failed != nil || dependent != (len(leaders) > 0) || dependent && !anySet(leaders) {
				return
			}
			value := p.getenv(flagVariable(f.Name))
			if given[f.Name] || value == "" || f.Name == "help" || f.Annotations[givenOnly] != nil || ruledOut(flags, given, f.Name) {
				return
			}
			failed = setFrom(flags, f, value)
		})
	}
	apply(false)
	apply(true)
	return failed
}

// leadersOf are those flags of a command without which another one says nothing: how to
// sign, for example, where nobody signs. A variable that is meant for one job must not
// disturb the others.
func leadersOf(flags *pflag.FlagSet, name string) []*pflag.Flag {
	var found []*pflag.Flag
	for _, leader := range leaders()[name] {
		if f := flags.Lookup(leader); f != nil {
			found = append(found, f)
		}
	}
	return found
}

func leaders() map[string][]string {
	signers, keyless := []string{"sign-key", "sign-keyless"}, []string{"sign-keyless"}
	return map[string][]string{
		"sign-format": signers, "sign-annotation": signers, "attest-sbom": signers, "attest-provenance": signers,
		"sbom": append([]string{"sbom-file"}, signers...), "provenance-timestamps": append([]string{"provenance-file"}, signers...),
		"identity-token": keyless, "fulcio-url": keyless, "rekor-url": keyless, "timestamp-url": keyless,
		"signing-config": keyless, "trusted-root": keyless,
	}
}

// anySet says whether one of the flags was set to something.
func anySet(flags []*pflag.Flag) bool {
	return slices.ContainsFunc(flags, func(f *pflag.Flag) bool { return f.Changed && f.Value.String() != "" && f.Value.String() != "false" })
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
		mark(f, ofVariable)
	}
	return nil
}

// ofVariable marks flags that a variable has set.
const ofVariable = "of-variable"

// fromVariable says whether a variable has set a flag, and not the command line.
func fromVariable(f *pflag.Flag) bool { return f.Annotations[ofVariable] != nil }

func mark(f *pflag.Flag, as string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[as] = []string{}
}

// givenOnly marks flags that no variable stands for.
const givenOnly = "given-only"

// onlyGiven leaves flags to the command line: where a variable that is meant for
// another command would do harm.
func onlyGiven(flags *pflag.FlagSet, names ...string) {
	for _, n := range names {
		if f := flags.Lookup(n); f != nil {
			mark(f, givenOnly)
		}
	}
}

// rivals are the flags that cannot stand together.
func rivals() map[string][]string {
	return map[string][]string{
		"into-index": {"repo", "tag", "oci-layout", "tarball", "push"},
		"index":      {"os-version"},
		"key":        {"certificate-identity", "certificate-identity-regexp", "certificate-oidc-issuer", "certificate-oidc-issuer-regexp"},

		"certificate-identity":    {"certificate-identity-regexp"},
		"certificate-oidc-issuer": {"certificate-oidc-issuer-regexp"},
		"sign-key":                {"sign-keyless", "identity-token", "fulcio-url", "rekor-url", "timestamp-url", "signing-config"},
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
