package cli

import (
	"fmt"
	"net/url"
	"regexp"
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
	flags.StringVar(&o.SBOMFile, "sbom-file", "", "write the SBOM to `FILE`")
	flags.BoolVar(&f.attestSBOM, "attest-sbom", false, "attest the SBOM of each image (default: when signing)")
	flags.StringVar(&o.ProvenanceFile, "provenance-file", "", "write the SLSA provenance to `FILE`")
	flags.BoolVar(&f.attestProvenance, "attest-provenance", false, "attest how each image was built (default: when signing)")
	flags.BoolVar(&o.Timestamps, "provenance-timestamps", false, "say in the provenance when the build began and ended")
}

// describe completes what is said about the run.
func (a *app) describe(cmd *cobra.Command, f describeFlags, args []string, o *flow.DescribeOptions) {
	flags := cmd.Flags()
	if flags.Changed("attest-sbom") {
		o.AttestSBOM = &f.attestSBOM
	}
	if flags.Changed("attest-provenance") {
		o.AttestProvenance = &f.attestProvenance
	}
	o.Arguments = a.openArguments(cmd, args)
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

// openArguments are the arguments of the run as anybody may read them: those of the
// command line and those that variables stand for, each flag spelt the same way, and
// without secrets.
func (a *app) openArguments(cmd *cobra.Command, args []string) []string {
	all := []string{cmd.Name()}
	before := ""
	for _, arg := range args {
		shown := a.openValue(arg)
		if strings.HasPrefix(before, "-") && !strings.Contains(before, "=") && secretName.MatchString(before+"=") {
			shown = hidden // --api-key VALUE
		}
		all, before = append(all, shown), arg
	}
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			all = append(all, "--"+f.Name+"="+a.openValue(v))
		}
	})
	return all
}

// hidden stands for a value that only its name may be told of.
const hidden = "***"

// secretName finds the names of what is secret, also inside of a connection string.
var secretName = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|pwd|secret|token|api[-_.]?key|access[-_.]?key|account[-_.]?key|private[-_.]?key|credential|connection[-_.]?strings?|sas)[a-z0-9_.-]*\s*[=:]`)

// openValue hides what is secret in a value: the user in an address, what this run knows
// to be secret, and the whole value of NAME=VALUE where the name says so.
func (a *app) openValue(v string) string {
	if u, err := url.Parse(v); err == nil && u.User != nil {
		u.User = nil
		v = u.String()
	}
	if name, _, ok := strings.Cut(v, "="); ok && secretName.MatchString(v) {
		return name + "=" + hidden
	}
	return a.log.secrets.Redact(v)
}

// checkDescriptions finds out before the work begins which files cannot be written.
func (a *app) checkDescriptions(o flow.DescribeOptions) error {
	if err := a.checkFile("--sbom-file", o.SBOMFile); err != nil {
		return err
	}
	return a.checkFile("--provenance-file", o.ProvenanceFile)
}
