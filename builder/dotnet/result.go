// Package dotnet runs the .NET SDK's publish command as a machine interface and
// reads what it produced: files, their origin, and the project's properties.
package dotnet

import "github.com/nanobuild/nanobuild/layers"

// Result is a published application: a folder with everything it needs, and
// what the project says about it.
type Result struct {
	Dir         string // the publish folder on this machine
	Name        string // the assembly name, such as "Shop.Web"
	EntryPoint  string // slash path of the program, relative to Dir; "" when a folder has none
	ProjectFile string // absolute path; "" for a publish folder
	ProjectDir  string // folder of the project, or the publish folder itself
	SDKVersion  string // such as "10.0.401"; "" for a publish folder

	// Origins says where each file of Dir comes from, keyed by its slash path
	// relative to Dir.
	Origins map[string]layers.Origin
	// Properties are the evaluated MSBuild properties (Container*, Version, …)
	// and Items the evaluated items, by item type; both nil for a publish folder.
	Properties map[string]string
	Items      map[string][]Item

	Runtime Runtime
	Notices []string // what the user should know, one sentence each
}

// Item is one evaluated MSBuild item.
type Item struct {
	Identity string
	Metadata map[string]string
}

// Runtime is what the published application runs on.
type Runtime struct {
	TFM           string      // such as "net10.0"
	Frameworks    []Framework // included (self-contained) or referenced
	SelfContained bool
	SingleFile    bool // everything is inside the program
}

// Framework is one shared framework with its version.
type Framework struct {
	Name    string // such as "Microsoft.AspNetCore.App"
	Version string // such as "10.0.12"
	// RollForward is how much newer the framework may be that the application
	// runs on, such as "Major"; "" for the default, and for included ones.
	RollForward string
}
