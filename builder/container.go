package builder

import (
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// Container is what a project says about its image, in the properties and
// items that the .NET SDK has for it:
// https://learn.microsoft.com/dotnet/core/containers/publish-configuration.
type Container struct {
	// The target, as the project writes it: hosts and names are not normalised.
	Registry   string
	Repository string   // ContainerImageName if set, else ContainerRepository
	Tags       []string // none if the project names none
	Archive    string   // ContainerArchiveOutputPath

	Base string // reference of a Windows base, "" if the project names none

	User             string   // as the project writes it
	Ports            []string // such as "8080/tcp"
	Env              []Var
	Labels           []Var
	Commands         Commands
	WorkingDirectory string // as the project writes it: where the application lives
	Format           string // "docker", "oci" or ""

	Generate Generate
	About    []Var // OCI labels that the project sets, by their full names

	// What is wrong with the project's tags and base; said unless the user
	// gives others.
	tagWarnings, baseWarnings []string
}

// properties reads MSBuild properties, whose names have no case.
type properties map[string]string

func newProperties(app *dotnet.Result) properties {
	p := properties{}
	for k, v := range app.Properties {
		p[strings.ToLower(k)] = strings.TrimSpace(v)
	}
	return p
}

func (p properties) get(name string) string { return p[strings.ToLower(name)] }

// enabled reports whether a switch that is on by default is on.
func (p properties) enabled(name string) bool {
	v := p.get(name)
	return v == "" || strings.EqualFold(v, "true")
}

// ReadContainer returns what the project says about its image, and warnings
// about what has no meaning in a Windows image. It fails with an *InputError
// when the project says something that no image can have.
func ReadContainer(app *dotnet.Result) (Container, []string, error) {
	r := reader{app: app, props: newProperties(app)}
	tags, tagWarnings := r.props.tags()
	base, baseWarnings := r.props.base()
	c := Container{
		Registry:   r.props.get("ContainerRegistry"),
		Repository: r.props.get("ContainerRepository"),
		Archive:    r.props.get("ContainerArchiveOutputPath"),
		Tags:       tags,
		Base:       base,
		User:       r.props.get("ContainerUser"),
		Env:        r.env(),
		Labels:     r.labels(),
		Generate:   readGenerate(r.props),
		About:      readAbout(app, r.props),

		WorkingDirectory: r.props.get("ContainerWorkingDirectory"),
		tagWarnings:      tagWarnings,
		baseWarnings:     baseWarnings,
	}
	if name := r.props.get("ContainerImageName"); name != "" {
		c.Repository = name
	}
	for _, step := range []func(*Container) error{r.ports, r.format, r.commands} {
		if err := step(&c); err != nil {
			return Container{}, r.warnings, err
		}
	}
	return c, r.warnings, nil
}

// reader collects what a project says, and warnings.
type reader struct {
	app      *dotnet.Result
	props    properties
	warnings []string
}

func (r *reader) warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

func (r *reader) items(name string) []dotnet.Item {
	for k, v := range r.app.Items {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// metadata returns an item's metadatum, whose name has no case.
func metadata(i dotnet.Item, name string) string {
	for k, v := range i.Metadata {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func (r *reader) env() []Var {
	var out []Var
	for _, i := range r.items("ContainerEnvironmentVariable") {
		name, value := strings.TrimSpace(i.Identity), metadata(i, "Value")
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0):
			r.warn("ContainerEnvironmentVariable %q is ignored, because it is not the name of a variable.", i.Identity)
		case value == "":
			r.warn("ContainerEnvironmentVariable %q is ignored, because its Value is empty and Windows drops such variables.", name)
		default:
			out = append(out, Var{name, value})
		}
	}
	return mergeEnv(out)
}

func (r *reader) labels() []Var {
	found := r.items("ContainerLabel")
	out := make([]Var, 0, len(found))
	for _, i := range found {
		out = append(out, Var{i.Identity, metadata(i, "Value")})
	}
	return out
}

func (r *reader) ports(c *Container) error {
	found := r.items("ContainerPort")
	texts := make([]string, 0, len(found))
	for _, i := range found {
		t := i.Identity
		if proto := metadata(i, "Type"); proto != "" && !strings.Contains(t, "/") {
			t += "/" + proto
		}
		texts = append(texts, t)
	}
	var err error
	c.Ports, err = parsePorts("ContainerPort", texts)
	return err
}

func (r *reader) format(c *Container) error {
	f, err := parseFormat("ContainerImageFormat", r.props.get("ContainerImageFormat"))
	c.Format = f
	return err
}
