package dotnet

import (
	"fmt"
	"strings"
)

// ownEnvironment makes dotnet a quiet machine: one process, no welcome, no
// cursor codes. Its documentation:
// https://learn.microsoft.com/dotnet/core/tools/dotnet-environment-variables
var ownEnvironment = []string{
	"DOTNET_NOLOGO=1",
	"MSBUILDDISABLENODEREUSE=1",
	"DOTNET_CLI_USE_MSBUILD_SERVER=0",
	"MSBUILDTERMINALLOGGER=off",
	"DOTNET_GENERATE_ASPNET_CERTIFICATE=false",
	"DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true",
}

// environment is the user's, with ours on top.
func environment(user []string) []string {
	return append(append([]string(nil), user...), ownEnvironment...)
}

// buildVariables are the properties that an environment variable of the same
// name is likely to set by accident: MSBuild takes each variable as a property
// that the project can overwrite but often does not, and compares names without
// case. CI systems and developer prompts set Version, Platform and the like for
// purposes of their own.
// https://learn.microsoft.com/visualstudio/msbuild/how-to-use-environment-variables-in-a-build
var buildVariables = []string{
	"AssemblyName", "AssemblyVersion", "Authors", "BaseIntermediateOutputPath", "BaseOutputPath", "Company",
	"Configuration", "ContinuousIntegrationBuild", "DebugSymbols", "DebugType", "DefineConstants", "Description",
	"Deterministic", "FileVersion", "InformationalVersion", "IntermediateOutputPath", "InvariantGlobalization",
	"IsPublishable", "LangVersion", "NoWarn", "Nullable", "Optimize", "OutDir", "OutputPath", "OutputType",
	"PackageVersion", "PathMap", "Platform", "PlatformTarget", "Product", "PublishAot", "PublishDir",
	"PublishProfile", "PublishReadyToRun", "PublishSingleFile", "PublishTrimmed", "RestoreSources",
	"RollForward", "RootNamespace", "RuntimeFrameworkVersion", "RuntimeIdentifier", "RuntimeIdentifiers",
	"SelfContained", "SolutionDir", "SourceRevisionId", "TargetExt", "TargetFramework", "TargetFrameworks",
	"TargetName", "Title", "TreatWarningsAsErrors", "UseAppHost", "Version", "VersionPrefix", "VersionSuffix",
	"WarningLevel",
}

// variableNotices names the environment variables that may change the build
// unseen. Those that the command line sets anyway have no effect.
func variableNotices(env, given []string) []string {
	var notices []string
	for _, name := range buildVariables {
		if containsFold(given, name) {
			continue
		}
		if variable, value, ok := findVariable(env, name); ok {
			notices = append(notices, fmt.Sprintf(
				"the environment variable %s=%s is taken as a property by MSBuild and may change the build: unset it, or say -p %s=… to decide it",
				variable, value, name))
		}
	}
	return notices
}

func findVariable(env []string, name string) (variable, value string, found bool) {
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		if strings.EqualFold(k, name) && v != "" {
			variable, value, found = k, v, true
		}
	}
	return variable, value, found
}

func containsFold(list []string, s string) bool {
	for _, element := range list {
		if strings.EqualFold(element, s) {
			return true
		}
	}
	return false
}
