package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/builder/sbom"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

// describeFlags are the flags about SBOM and provenance.
type describeFlags struct {
	attestSBOM, attestProvenance bool
}

func (f *describeFlags) add(flags *pflag.FlagSet, o *flow.DescribeOptions) {
	flags.StringVar(&o.SBOM, "sbom", "", "`format` of the SBOM: spdx, cyclonedx or none (default spdx)")
	flags.StringVar(&o.SBOMFile, "sbom-file", "", "write the SBOM to `FILE`, or for each image into a folder, whose name ends in /")
	flags.BoolVar(&f.attestSBOM, "attest-sbom", false, "attest the SBOM of each image (default: when signing)")
	flags.StringVar(&o.ProvenanceFile, "provenance-file", "", "write the SLSA provenance to `FILE`, or for each image into a folder, whose name ends in /")
	flags.BoolVar(&f.attestProvenance, "attest-provenance", false, "attest how each image was built (default: when signing)")
	flags.BoolVar(&o.Timestamps, "provenance-timestamps", false, "say in the provenance when the build began and ended")
}

// describe completes what is said about the run.
func (a *app) describe(cmd *cobra.Command, f describeFlags, projects, dotnet []string, o *flow.DescribeOptions) {
	flags := cmd.Flags()
	if flags.Changed("attest-sbom") {
		o.AttestSBOM = &f.attestSBOM
	}
	if flags.Changed("attest-provenance") {
		o.AttestProvenance = &f.attestProvenance
	}
	o.Arguments = a.openArguments(cmd, projects, dotnet)
	if epoch := a.getenv(envSourceDateEpoch); epoch != "" {
		o.Settings = map[string]string{string(envSourceDateEpoch): epoch}
	}
	o.Versions = map[string]string{"nanobuild": a.version()}
	o.Builder, o.Invocation = a.builder()
}

// localBuilder is the builder where nobody vouches for the machine.
const localBuilder = sbom.BuildType + "#on-somebodys-machine"

// builder names who builds: the workflow of a GitHub job and its run, else nobody that a
// verifier knows.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
func (a *app) builder() (id, invocation string) {
	server, workflow := a.getenv(envGitHubServer), a.getenv(envGitHubWorkflow)
	if a.getenv(envGitHubActions) != "true" || server == "" || workflow == "" {
		return localBuilder, ""
	}
	id = server + "/" + workflow
	if run := a.getenv(envGitHubRun); run != "" {
		invocation = fmt.Sprintf("%s/%s/actions/runs/%s", server, a.getenv(envGitHubRepo), run)
		if attempt := a.getenv(envGitHubAttempt); attempt != "" {
			invocation += "/attempts/" + attempt
		}
	}
	return id, invocation
}

// checkDescriptions finds out before the work begins which files cannot be written. A
// folder is made.
func (a *app) checkDescriptions(o flow.DescribeOptions) error {
	for flag, file := range map[string]string{"--sbom-file": o.SBOMFile, "--provenance-file": o.ProvenanceFile} {
		if info, err := os.Stat(a.absolute(file)); file == "" || strings.HasSuffix(file, "/") || strings.HasSuffix(file, `\`) || err == nil && info.IsDir() {
			continue
		}
		if err := a.checkFile(flag, file); err != nil {
			return err
		}
	}
	return nil
}
