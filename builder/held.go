package builder

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// held is the .NET in a base, as far as its variables tell. Microsoft's images say
// there what they hold (https://github.com/dotnet/dotnet-docker); for bases that
// do not, the user can with --env.
type held struct {
	base    string
	windows onWindows
	dotnet  string // version of the runtime, "" for none
	aspnet  string // of ASP.NET Core
	policy  string // the roll-forward policy that counts for all applications, "" for their own
}

func heldBy(name, osVersion string, env []Var) held {
	h := held{
		base: name, dotnet: lookupEnv(env, "DOTNET_VERSION"), aspnet: lookupEnv(env, "ASPNET_VERSION"),
		policy:  lookupEnv(env, "DOTNET_ROLL_FORWARD"),
		windows: onWindows{edition: winver.NanoServer},
	}
	if strings.Contains(strings.ToLower(name), string(winver.ServerCore)) {
		h.windows.edition = winver.ServerCore
	}
	if v, err := winver.ParsePrefix(osVersion); err == nil {
		h.windows.release, _ = winver.OfVersion(v.Version)
	}
	return h
}

// check refuses an application whose frameworks the base does not have in a
// version that they can be started on. It warns of what is not known, and of
// patches: those of a base that was derived from another may be newer than its
// variables.
func (h held) check(app *dotnet.Result) (warnings []string, err error) {
	if h.dotnet == "" && h.aspnet == "" {
		return nil, input(h.remedy(app)+" If it has one nevertheless, tell its version with --env DOTNET_VERSION=VERSION.",
			"%s is published without the .NET runtime, and the base %s has none.", app.Name, h.base)
	}
	needed := app.Runtime.Frameworks
	if len(needed) == 0 {
		needed = []dotnet.Framework{{Name: dotnetFramework, Version: app.Runtime.Version()}}
	}
	for _, f := range needed {
		var has string
		switch f.Name {
		case dotnetFramework:
			has = cmp.Or(h.dotnet, h.aspnet)
		case aspnetFramework:
			if has = h.aspnet; has == "" {
				return nil, input(h.remedy(app), "%s needs ASP.NET Core, which the base %s does not have.", app.Name, h.base)
			}
		default:
			warnings = append(warnings, fmt.Sprintf("%s needs %s, and nothing tells whether the base %s has it.", app.Name, f.Name, h.base))
			continue
		}
		switch policyOf(cmp.Or(h.policy, f.RollForward)).accepts(f.Version, has) {
		case refused:
			return nil, input(h.remedy(app), "%s needs %s %s, and the base %s has %s.", app.Name, f.Name, f.Version, h.base, has)
		case tooOld:
			warnings = append(warnings, fmt.Sprintf("%s needs %s %s or a later patch, and the base %s says that it has %s. Use a newer one, or the program will not start.",
				app.Name, f.Name, f.Version, h.base, has))
		}
	}
	return warnings, nil
}

// remedy names the image that the application needs on the Windows of the base.
func (h held) remedy(app *dotnet.Result) string {
	if image, ok := h.windows.image(app.Runtime); ok {
		return "Use --base " + image + ", or publish it with its runtime (--self-contained)."
	}
	return h.windows.remedy(app.Runtime)
}
