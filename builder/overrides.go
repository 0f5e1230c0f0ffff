package builder

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
	// "base" keeps the base's Entrypoint and Cmd.
	Entrypoint []string
	Cmd        []string

	Format   string   // "docker", "oci" or "" for the base's own
	Single   bool     // one layer instead of one for each origin
	Writable []string // folders that users of the container may modify
}

// Source is where the application's sources come from. Its zero value means
// that they are in no repository.
type Source struct {
	Commit string // full hash of HEAD
	Dirty  bool   // the working tree differs from Commit
	Remote string // address of the origin
}
