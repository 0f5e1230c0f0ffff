package dotnet

import (
	"strings"
)

// plan is a request that has been checked, with the folders of its run.
type plan struct {
	req        Request
	target     Target
	properties []property // the user's
	framework  string     // from the request or the user's properties; "" for the project's
	publishDir string     // with a trailing separator
	result     string     // file for the answer to the query
	targets    string     // the targets file
	implied    []string   // properties that this run adds to the user's, name=value
	notices    []string
	told       bool // Request.Ready was called

	selfContained bool // the app brings its .NET along
}

// args are the arguments of dotnet, in the order that decides: the user's
// properties come before those that keep the publish in our folder.
func (p *plan) args() []string {
	args := []string{"publish", p.target.File}
	if _, ok := lookup(p.properties, "Configuration"); !ok || p.req.Configuration != "" {
		args = append(args, "-c", orDefault(p.req.Configuration, defaultConfiguration))
	}
	if p.req.Framework != "" {
		args = append(args, "-f", p.req.Framework)
	}
	args = append(args, "-r", runtimeIdentifier, p.selfContainedSwitch(), "-nologo", "-v:q", "-tl:off",
		"-clp:NoSummary;DisableConsoleColor;ForceNoAlign")
	if p.req.NoRestore {
		args = append(args, "--no-restore")
	}
	if p.req.CI {
		args = append(args, "--disable-build-servers")
	}
	for _, implied := range p.implied {
		args = append(args, "-p:"+implied)
	}
	for _, user := range p.properties {
		args = append(args, "-p:"+user.name+"="+user.value)
	}
	args = append(args, p.req.Extra...)
	return append(args,
		"-p:EnableSdkContainerSupport=false",
		"-p:WebPublishMethod=FileSystem",
		"-p:PublishDir="+escapePath(p.publishDir),
		// Each publish folder would get a list of its files in obj, for ever.
		"-p:PublishCleanFile="+cleanFile, "-p:_PublishCleanFile="+cleanFile,
		"-p:CustomAfterMicrosoftCommonTargets="+escapePath(p.targets),
		"-p:CustomAfterMicrosoftCommonCrossTargetingTargets="+escapePath(p.targets),
		"-getProperty:"+strings.Join(queriedProperties, ","),
		"-getItem:"+strings.Join(queriedItems, ","),
		"-getResultOutputFile:"+p.result,
	)
}

func (p *plan) selfContainedSwitch() string {
	if p.selfContained {
		return "--self-contained"
	}
	return "--no-self-contained"
}

// cleanFile is the name of the list of published files. The SDK looks at the first
// of the two properties and takes the name from the second.
const cleanFile = "PublishOutputs.nanobuild.txt"

// imply adds the properties that make the same source give the same bytes, and
// the locked restore, unless the user decides them.
func (p *plan) imply() {
	if p.req.Locked {
		p.implyProperty("RestoreLockedMode", "true")
	}
	switch {
	case p.req.InGit:
		p.implyProperty("DeterministicSourcePaths", "true")
	case p.target.Kind != SourceFile: // theirs is in the targets file
		p.implyProperty("PathMap", escapePath(pathMap(p.target.Dir)))
	}
	// A trimmed assembly names its symbol file by an absolute path.
	p.implyProperty("TrimmerRemoveSymbols", "true")
}

func (p *plan) implyProperty(name, value string) {
	if _, ok := lookup(p.properties, name); !ok {
		p.implied = append(p.implied, name+"="+value)
	}
}

// decided are the properties that the command line sets, so that no environment
// variable can.
func (p *plan) decided() []string {
	names := []string{"RuntimeIdentifier", "SelfContained", "PublishDir", "Configuration"}
	if p.framework != "" {
		names = append(names, "TargetFramework")
	}
	for _, implied := range p.implied {
		name, _, _ := strings.Cut(implied, "=")
		names = append(names, name)
	}
	for _, user := range p.properties {
		names = append(names, user.name)
	}
	return names
}
