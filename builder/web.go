package builder

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

const aspnetFramework = "Microsoft.AspNetCore.App"

// Web is what decides where a web application listens, besides the variables
// of the image.
type Web struct {
	// URLs says that the application's .NET (before 8) does not know
	// ASPNETCORE_HTTP_PORTS.
	URLs bool

	files []settings // the published settings files, the strongest first
}

// isWeb reports whether the application serves HTTP with ASP.NET Core.
func isWeb(app *dotnet.Result, p properties) bool {
	return slices.ContainsFunc(app.Runtime.Frameworks, func(f dotnet.Framework) bool { return f.Name == aspnetFramework }) ||
		strings.EqualFold(p.get("UsingMicrosoftNETSdkWeb"), "true")
}

// readWeb reads the settings files of a web application from its folder. env
// names the environment whose settings are added; Production if nothing does.
func readWeb(app *dotnet.Result, fsys fs.FS, env []Var) (*Web, []string) {
	major, _, known := releaseOf(app.Runtime.Version())
	w := &Web{URLs: known && major < 8}
	environment := lookupEnv(env, "DOTNET_ENVIRONMENT")
	if environment == "" {
		environment = lookupEnv(env, "ASPNETCORE_ENVIRONMENT")
	}
	if environment == "" || strings.ContainsAny(environment, `/\`) {
		environment = "Production"
	}
	var warnings []string
	for _, name := range []string{"appsettings." + environment + ".json", "appsettings.json"} {
		s, warning, ok := readSettings(fsys, name)
		if warning != "" {
			warnings = append(warnings, warning)
		}
		if ok {
			w.files = append(w.files, s)
		}
	}
	return w, warnings
}

// sources returns all that configures the service, the strongest first: the
// command line, plain variables, the settings files, and the variables of the
// host, of which DOTNET_ wins over ASPNETCORE_.
func (w *Web) sources(env []Var, args []string) []settings {
	return slices.Concat(
		[]settings{argSettings(args), envSettings(env, "")},
		w.files,
		[]settings{envSettings(env, "DOTNET_"), envSettings(env, "ASPNETCORE_")},
	)
}

// address returns the variable that makes the service reachable from outside
// of its container, unless something decides its address already; without it,
// Kestrel listens on localhost. And it returns the ports to expose: where the
// service listens, and those that were asked for.
func (w *Web) address(env []Var, args, asked []string) (added []Var, ports, warnings []string) {
	l := listen(w.sources(env, args), !w.URLs)
	if l.by == "" {
		added = []Var{{"ASPNETCORE_HTTP_PORTS", "8080"}}
		if w.URLs {
			added = []Var{{"ASPNETCORE_URLS", "http://+:8080"}}
		}
		l = listen(w.sources(append(slices.Clone(env), added...), args), !w.URLs)
	}
	open := l.ports()
	ports = slices.Clone(open)
	for _, p := range asked {
		if slices.Contains(ports, p) {
			continue
		}
		ports = append(ports, p)
		if strings.HasSuffix(p, "/tcp") && len(l.addresses) > 0 {
			warnings = append(warnings, fmt.Sprintf("Port %s is exposed, but the service will not listen there: %s makes it listen on %s.%s", p, l.by, l, remedy(added, p)))
		}
	}
	if local := l.locals(); len(local) > 0 {
		warnings = append(warnings, fmt.Sprintf("The service will listen on %s (%s), which nobody outside of its container can reach. Use http://+:8080 instead.", strings.Join(local, ", "), l.by))
	}
	return added, ports, warnings
}

// remedy says how a service listens on a port, where our default decides.
func remedy(added []Var, port string) string {
	if len(added) == 0 {
		return ""
	}
	number := strings.TrimSuffix(port, "/tcp")
	return fmt.Sprintf(" Add --env %s=%s if it shall.", added[0].Name, strings.Replace(added[0].Value, "8080", number, 1))
}

// String returns the addresses as they are written.
func (l listening) String() string {
	out := make([]string, 0, len(l.addresses))
	for _, a := range l.addresses {
		out = append(out, a.text)
	}
	return strings.Join(out, ", ")
}

func (l listening) locals() []string {
	var out []string
	for _, a := range l.addresses {
		if a.local {
			out = append(out, a.text)
		}
	}
	return out
}

// certificateWarning warns of a certificate file that ContainerUser cannot
// load: that account has no profile to keep private keys in.
// https://github.com/dotnet/dotnet-docker/issues/1048
func (w *Web) certificateWarning(env []Var, args []string, user string) []string {
	if !strings.EqualFold(user, containerUser) {
		return nil
	}
	for _, s := range w.sources(env, args) {
		for key, value := range s.values {
			if value == "" || !isCertificatePath(key) {
				continue
			}
			return []string{fmt.Sprintf("%s names the certificate %s, whose private key ContainerUser usually cannot load, because it has no user profile. Use --user ContainerAdministrator, or let the cluster's ingress end TLS.", s.describe(key), value)}
		}
	}
	return nil
}

// isCertificatePath says that a setting names a certificate's file: of one
// endpoint, or one of those with a name, such as Default.
func isCertificatePath(key string) bool {
	rest, ok := strings.CutSuffix(key, ":path")
	return ok && (strings.HasPrefix(rest, "kestrel:certificates:") ||
		strings.HasPrefix(rest, endpointsKey) && strings.HasSuffix(rest, ":certificate"))
}
