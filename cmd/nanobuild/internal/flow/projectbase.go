package flow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// basesOf are the bases of the project's images: the user's, else the project's,
// else the default; for an application without its runtime those that have one.
func (r *run) basesOf(p *project) ([]string, error) {
	named := r.Bases
	switch {
	case len(named) > 0:
	case p.container.Base != "":
		named = []string{p.container.Base}
	default:
		named = []string{""} // the default, as far as the application has no other needs
	}
	var refs []string
	var first error
	for _, n := range named {
		ref, err := builder.BaseFor(p.app, n)
		switch {
		case err == nil:
			refs = append(refs, ref)
		case r.everyBase && slices.Contains(everyBase(), n): // all there are for this application
			r.Log.Info(fmt.Sprintf("%s: no image for %s: %v", p.argument, n, err))
			first = cmp.Or(first, err)
		default:
			return nil, err
		}
	}
	if len(refs) == 0 {
		return nil, first
	}
	return refs, nil
}

// certainBases are those that flags name, where no application can turn out to need
// others; else there are none.
func (r *run) certainBases() []string {
	unknown := r.speaksOfRuntimes() || slices.ContainsFunc(r.projects, func(p *project) bool { return p.target.Kind == dotnet.Folder })
	if unknown && slices.ContainsFunc(r.Bases, base.IsShort) {
		return nil
	}
	return r.Bases
}

// speaksOfRuntimes says whether flags may leave .NET out of the applications, so that
// it has to be the base's.
func (r *run) speaksOfRuntimes() bool {
	if r.Dotnet.SelfContained != "" {
		return r.Dotnet.SelfContained != "true"
	}
	return slices.ContainsFunc(slices.Concat(r.Dotnet.Properties, r.Dotnet.Extra), func(text string) bool {
		return strings.Contains(strings.ReplaceAll(strings.ToLower(text), "-", ""), "selfcontained")
	})
}
