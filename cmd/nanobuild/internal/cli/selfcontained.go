package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// addSelfContained adds a switch with three states: not given, it leaves the
// decision to -p SelfContained.
func addSelfContained(flags *pflag.FlagSet, to *string) {
	const name = "self-contained"
	flags.Var((*ternary)(to), name, "bring .NET along; `false` takes a base that has it, such as dotnet/aspnet (default true)")
	flags.Lookup(name).NoOptDefVal = "true"
}

// strayValue finds the value that dotnet takes behind a space, and that is the name of a
// project here.
func strayValue(selfContained string, projects []string) error {
	for _, p := range projects {
		if selfContained != "" && (p == "true" || p == "false") {
			return usageError{fmt.Errorf("%s stands where a project does: write --self-contained=%s", p, p)}
		}
	}
	return nil
}

// ternary is "true", "false" or, when nobody said anything, "".
type ternary string

func (t *ternary) String() string { return string(*t) }
func (t *ternary) Type() string   { return "bool" }

func (t *ternary) Set(value string) error {
	yes, err := strconv.ParseBool(value)
	if err != nil {
		return errors.New("use true or false")
	}
	*t = ternary(strconv.FormatBool(yes))
	return nil
}
