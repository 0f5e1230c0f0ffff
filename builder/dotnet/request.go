package dotnet

// Request says what to publish and how. Only Project, Env and TempDir are
// needed.
type Request struct {
	// Project is the absolute path of a project file, a folder with one, a
	// file-based app (app.cs), or a folder that was published before.
	Project string
	// Dotnet is the program to run; "" is dotnet from the PATH of Env.
	Dotnet string

	Configuration     string   // "" is Release
	Framework         string   // target framework such as "net10.0"; "" leaves it to the project
	RuntimeIdentifier string   // "" is win-x64
	SelfContained     *bool    // whether the app brings its .NET along; nil is what Properties say, else true
	Properties        []string // MSBuild properties, name=value as the user wrote them
	NoRestore         bool     // skip the restore
	Locked            bool     // restore exactly what packages.lock.json says
	Extra             []string // further arguments for dotnet publish

	Env     []string // the whole environment of dotnet, name=value
	WorkDir string   // file names in messages are relative to it; "" leaves them absolute
	TempDir string   // an existing folder, owned and removed by the caller

	CI    bool // leave no build server behind
	InGit bool // the commit is known, so Source Link can make paths reproducible

	// Entrypoint is the user's wish for the program of the image; it chooses
	// between several programs in a publish folder.
	Entrypoint string

	// Ready, if set, is told of the result at most once, by another goroutine, when
	// everything is published and dotnet is about to end; it must not wait for
	// anything. The result counts when Publish returns it too; where Publish returns
	// an error, it does not.
	Ready func(*Result)

	// Diagnostics, if set, is called with each distinct error and warning as it
	// appears, and Output with every other line of the build. Calls never
	// overlap.
	Diagnostics func(Diagnostic)
	Output      func(line string)
}

const (
	defaultConfiguration = "Release"
	runtimeIdentifier    = "win-x64" // the only one supported
)
