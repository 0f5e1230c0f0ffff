package dotnet

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// queriedProperties are the properties that dotnet reports after the build.
var queriedProperties = []string{
	"AssemblyName", "OutputType", "TargetFramework", "TargetFrameworks", "RuntimeIdentifier", "SelfContained",
	"UseAppHost", "IsPublishable", "PublishDir", "PublishAot", "PublishSingleFile", "PublishTrimmed",
	"PublishReadyToRun", "PublishReadyToRunComposite", "InvariantGlobalization", "UsingMicrosoftNETSdkWeb",
	"UseWindowsForms", "UseWPF", "_NativeExecutableExtension",
	"MSBuildProjectFullPath", "MSBuildProjectDirectory", "ProjectAssetsFile", "NuGetPackageRoot",
	"NETCoreSdkVersion", "BundledNETCoreAppPackageVersion", "RuntimeFrameworkVersion",
	"RuntimeIdentifiers", "Version", "PackageVersion", "InformationalVersion", "SourceRevisionId", "PrivateRepositoryUrl", "RepositoryUrl",
	"Authors", "Company", "Product", "Title", "Description", "Copyright",
	"PackageLicenseExpression", "PackageProjectUrl",

	"ContainerRegistry", "ContainerRepository", "ContainerImageName", "ContainerImageTag", "ContainerImageTags",
	"ContainerArchiveOutputPath", "ContainerBaseImage", "ContainerFamily", "ContainerUser",
	"ContainerWorkingDirectory", "ContainerImageFormat", "ContainerAppCommandInstruction",
	"ContainerTitle", "ContainerDescription", "ContainerAuthors", "ContainerVersion", "ContainerVendor",
	"ContainerLicenseExpression", "ContainerInformationUrl", "ContainerDocumentationUrl",
	"ContainerGenerateLabels", "ContainerGenerateLabelsImageCreated", "ContainerGenerateLabelsImageDescription",
	"ContainerGenerateLabelsImageAuthors", "ContainerGenerateLabelsImageUrl",
	"ContainerGenerateLabelsImageDocumentation", "ContainerGenerateLabelsImageVersion",
	"ContainerGenerateLabelsImageVendor", "ContainerGenerateLabelsImageLicenses",
	"ContainerGenerateLabelsImageTitle", "ContainerGenerateLabelsImageBaseDigest",
	"ContainerGenerateLabelsImageBaseName", "ContainerGenerateLabelsImageSource",
	"ContainerGenerateLabelsImageRevision", "ContainerGenerateLabelsDotnetToolset",
	"AutoGenerateImageTag", "EnableSdkContainerSupport", "ContainerRuntimeIdentifier", "ContainerRuntimeIdentifiers",
	"ContainerPublishInParallel", "ContainerPublishNoCache",
}

// queriedItems are the item types that dotnet reports after the build.
var queriedItems = []string{
	publishItems, runtimePacks, runtimeFrameworks, "FrameworkReference",
	"ContainerPort", "ContainerEnvironmentVariable", "ContainerLabel",
	"ContainerAppCommand", "ContainerAppCommandArgs", "ContainerEntrypoint", "ContainerEntrypointArgs",
	"ContainerDefaultArgs", "ContainerImageTags",
}

// The item types that this package itself reads.
const (
	publishItems      = "ResolvedFileToPublish"
	runtimePacks      = "ResolvedRuntimePack"
	runtimeFrameworks = "RuntimeFramework"
)

// evaluation is the answer to the query.
type evaluation struct {
	Properties map[string]string
	Items      map[string][]Item
}

const largestResult = 256 << 20 // bytes; a web app has about one million

// readResult reads the file that -getResultOutputFile wrote. The error wraps
// fs.ErrNotExist when there is none: the build never started, or was killed.
func readResult(file string) (*evaluation, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read the result of the build: %w", err)
	}
	if info.Size() > largestResult {
		return nil, fmt.Errorf("read the result of the build: %d bytes are more than any project has", info.Size())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the result of the build: %w", err)
	}
	return parseResult(raw)
}

func parseResult(raw []byte) (*evaluation, error) {
	var answer struct {
		Properties map[string]string
		Items      map[string][]map[string]string
	}
	if err := json.Unmarshal(trimBOM(raw), &answer); err != nil {
		return nil, fmt.Errorf("read the result of the build: %w", err)
	}
	e := &evaluation{Properties: answer.Properties, Items: make(map[string][]Item, len(answer.Items))}
	if e.Properties == nil {
		e.Properties = map[string]string{}
	}
	for kind, items := range answer.Items {
		list := make([]Item, 0, len(items))
		for _, metadata := range items {
			list = append(list, Item{Identity: metadata["Identity"], Metadata: metadata})
		}
		e.Items[kind] = list
	}
	return e, nil
}

// isTrue reads a boolean as MSBuild does.
func (e *evaluation) isTrue(property string) bool {
	return strings.EqualFold(e.Properties[property], "true")
}

// trimBOM removes a UTF-8 byte order mark, which many .NET tools write.
func trimBOM(raw []byte) []byte {
	if len(raw) >= 3 && raw[0] == 0xEF && raw[1] == 0xBB && raw[2] == 0xBF {
		return raw[3:]
	}
	return raw
}
