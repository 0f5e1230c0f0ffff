package dotnet

import (
	"regexp"
	"slices"
)

// remedy is what to do about a known error.
type remedy struct {
	codes []string       // any of them; none: the text alone decides
	text  *regexp.Regexp // in the message; nil: the code alone decides
	try   string
}

const win64 = "-r " + runtimeIdentifier

// onlyOurs keeps a restore from fetching the runtimes of other platforms.
const onlyOurs = "-p RuntimeIdentifiers=" + runtimeIdentifier

// remedies are in the order in which they are tried.
var remedies = []remedy{
	{nil, regexp.MustCompile(`Cross-OS native compilation is not supported`),
		"publish it with -p PublishAot=false: native compilation for Windows works on Windows only"},
	{nil, regexp.MustCompile(`libhostpolicy\.so|dotnet-getdocument|GetDocument\.Insider`),
		"the build starts the program to write its OpenAPI document, which a Windows program cannot do here: try -p OpenApiGenerateDocumentsOnBuild=false"},
	{[]string{"NETSDK1100"}, nil,
		"try -p EnableWindowsTargeting=true"},
	{[]string{"NETSDK1047", "NETSDK1004"}, nil,
		"run dotnet restore " + win64 + " first, or leave --no-restore away"},
	{[]string{"NETSDK1067"}, nil,
		"publish it with -p UseAppHost=true: the image starts a program, not a DLL"},
	{[]string{"NETSDK1102"}, nil,
		"publish it with -p PublishTrimmed=false, or leave --self-contained=false away: only what an app brings along can be trimmed"},
	{[]string{"NETSDK1147"}, nil,
		"install the workload that the error names: dotnet workload restore, or dotnet workload install NAME"},
	{[]string{"NETSDK1150", "NETSDK1151"}, nil,
		"the project references the project of another program: make both self-contained (-p SelfContained=true in the referenced one), set ReferenceOutputAssembly=\"false\" on the reference, or move the common code into a library"},
	{[]string{"NETSDK1152"}, nil,
		"two projects publish a file of the same name (both are in the message): exclude one with CopyToPublishDirectory=\"Never\", or accept that one wins with -p ErrorOnDuplicatePublishOutputFiles=false"},
	{[]string{"NETSDK1045"}, nil,
		"install a newer .NET SDK, or choose a target framework that this one knows with -f"},
	{[]string{"NETSDK1129"}, nil,
		"choose a target framework with -f"},
	{[]string{"NETSDK1139", "NETSDK1005"}, nil,
		"check the target framework given with -f against the project's TargetFramework or TargetFrameworks"},
	{[]string{"NETSDK1083"}, nil,
		"images are made for " + runtimeIdentifier + ": remove the runtime identifier that the error names from the project"},
	{[]string{"MSB3073"}, regexp.MustCompile(`code 127\b|code 9009\b`),
		"a step of the build starts a program that is not on this machine (xcopy, npm and the like): install it, or put a condition on the step (https://learn.microsoft.com/visualstudio/msbuild/msbuild-conditions)"},
	{[]string{"NU1301", "NU1302", "NU1303"}, regexp.MustCompile(`\b401\b|\b403\b|Unauthorized|Forbidden`),
		"the package feed wants credentials: set up a credential provider (VSS_NUGET_EXTERNAL_FEED_ENDPOINTS for Azure Artifacts) or NuGet.config, or run dotnet restore --interactive once"},
	{[]string{"NU1301"}, nil,
		"the package feed could not be reached: check NuGet.config, the network and the proxy"},
	{[]string{"NU1101", "NU1102", "NU1103"}, regexp.MustCompile(`\.(?:Runtime|Host|Crossgen2|ILCompiler)\.(?:linux|osx|win-arm|win-x86|android|ios|browser|freebsd|maccatalyst)`),
		"the project restores packs for other platforms than the image's: try " + onlyOurs},
	{[]string{"NU1101", "NU1102", "NU1103"}, nil,
		"check the package's name and version, and the feeds in NuGet.config (dotnet nuget list source)"},
	{[]string{"NU1004"}, nil,
		"add <RuntimeIdentifiers>" + runtimeIdentifier + "</RuntimeIdentifiers> to the project, run dotnet restore --force-evaluate, and commit packages.lock.json"},
	{[]string{"MSB1006"}, nil,
		"write -p NAME=VALUE, such as -p Version=1.2.3; for tags of the image use -t"},
	{[]string{"MSB1001", "MSB1008"}, nil,
		"check the arguments behind --: they are handed to dotnet publish as they are"},
	{[]string{"MSB3021", "MSB3026", "MSB3030"}, regexp.MustCompile(`(?i)could not find|no such file|not found`),
		"a file that the project lists is not there; a symbolic link may lead nowhere: restore the file, or remove it from the project"},
	{[]string{"CS5001", "BC30420"}, nil,
		"the project has no entry point: add a Main, or name the project of the program"},
	{nil, regexp.MustCompile(`SourceRoot items must include`),
		"the project turns Source Link off: try -p DeterministicSourcePaths=false"},
	{nil, regexp.MustCompile(`No space left on device`),
		"free some space: dotnet writes into the project's obj and bin folders and the temporary folder"},
}

// matches tells whether the remedy is for that error.
func (r remedy) matches(d Diagnostic) bool {
	if len(r.codes) > 0 && !slices.Contains(r.codes, d.Code) {
		return false
	}
	return r.text == nil || r.text.MatchString(d.Message)
}

// explain puts the error with a known remedy first and returns that remedy. The
// lines of the output that are no diagnostics count too: some of dotnet's own
// errors have no shape.
func explain(errors []Diagnostic, tail []string) ([]Diagnostic, string) {
	for _, r := range remedies {
		for i, d := range errors {
			if r.matches(d) {
				first := append([]Diagnostic{d}, errors[:i]...)
				return append(first, errors[i+1:]...), r.try
			}
		}
		if len(r.codes) > 0 {
			continue
		}
		for _, line := range tail {
			if r.text.MatchString(line) {
				return errors, r.try
			}
		}
	}
	return errors, ""
}
