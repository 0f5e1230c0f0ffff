package builder

import (
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

// Overrides is what the user asked for by flags or environment. Its zero value
// asks for nothing.
type Overrides struct {
	Env         []string // NAME=VALUE, the value never empty
	Labels      []string // NAME=VALUE
	Annotations []string // NAME=VALUE; possible in the OCI family only
	User        string   // such as "ContainerAdministrator"
	Workdir     string   // WorkingDir of the image, such as `C:\data`
	AppDir      string   // where the application lives, `C:\app` by default
	Ports       []string // "8080", "8080/tcp" or "53/udp"; they replace the project's

	// Entrypoint and Cmd hold one element of argv each. An Entrypoint of just
	// EntrypointOfBase keeps the base's Entrypoint and Cmd.
	Entrypoint []string
	Cmd        []string

	Format   string   // "docker", "oci" or "" for the base's own
	Single   bool     // one layer instead of one for each origin
	Writable []string // folders that users of the container may modify

	Compression layers.Compression // "" means gzip

	// Base and Tags decide nothing here: where they are given, nobody needs to
	// hear what is wrong with the project's own.
	Base string
	Tags []string
}

// EntrypointOfBase stands for the entry point that the base has, such as the
// service monitor of an IIS base.
const EntrypointOfBase = "base"

// Validate returns an *InputError when no image can have what is asked for,
// whatever the project and the base are: to be told before anything is built.
func (o Overrides) Validate() error {
	f := configurer{o: o, app: &dotnet.Result{}, spec: &Spec{}}
	for _, step := range []func() error{f.folders, f.variables, f.user, f.annotations, f.compression, f.labels, func() error {
		_, err := f.givenEntry()
		return err
	}, func() error {
		_, err := parsePorts("--port", o.Ports)
		return err
	}} {
		if err := step(); err != nil {
			return err
		}
	}
	if len(f.spec.Annotations) > 0 && f.spec.Format == FormatDocker {
		return dockerAnnotations()
	}
	return nil
}

// Source is where the application's sources come from. Its zero value means
// that they are in no repository.
type Source struct {
	Commit string // full hash of HEAD
	Dirty  bool   // the working tree differs from Commit
	Remote string // address of the origin
}
