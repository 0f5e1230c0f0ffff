//go:build !nosign

package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

const verifyLong = `Checks whether an image in a registry is what it must be: who signed it, what is
attested about it, how old its base is, whether Microsoft still supports it, whether
Windows will take its layers, and which hosts run it. Each check has a line with its
verdict: pass, FAIL or skipped. The exit code is 6 when one fails, 4 when the image or
its signatures cannot be read, and 2 when the key or another file of yours cannot be.

Of an index, the index and each of its images for Windows must be signed, and each of
these images must be what is asked for; --runs-on is content with one that the host
runs. A tag is read once: all checks are of the digest that it named.

--policy FILE holds the same, with the names of the flags as keys. What is given on the
command line counts more; repeatable flags add to what the file has. A variable such as
NANOBUILD_KEY counts where neither says anything.`

const verifyExample = `  nanobuild verify ghcr.io/me/web:v1 --key cosign.pub
  nanobuild verify ghcr.io/me/web:v1 --key cosign.pub --require sbom --require provenance \
    --max-base-age 30d --supported --runs-on ltsc2022

  # signed by a workflow of GitHub's
  nanobuild verify ghcr.io/me/web:v1 --trusted-root trusted_root.json \
    --certificate-identity https://github.com/me/web/.github/workflows/release.yml@refs/heads/main \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com

  nanobuild verify ghcr.io/me/web:v1 --policy production.yaml -o json`

// verifyFlags are the flags of verify, as the command line gives them.
type verifyFlags struct {
	options flow.VerifyOptions
	line    policy.Policy
	policy  string
	output  string
	network networkFlags
}

func (a *app) verify() *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use:     "verify IMAGE [flags]",
		Short:   "Check signature, attestations, base, support and hosts of an image",
		Long:    verifyLong,
		Example: verifyExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.Image = args[0]
			return a.runVerify(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.add(flags)
	// One is publish's annotation of the image, and no variable that was left behind may
	// turn the check of signatures off, or let code in that nobody committed.
	onlyGiven(flags, "annotation", "unsigned", "allow-dirty")
	addPullFlags(flags, &f.network)
	addNetworkFlags(flags, &f.network)
	completeVerify(cmd)
	return cmd
}

func (f *verifyFlags) add(flags *pflag.FlagSet) {
	p := &f.line
	flags.StringVar(&p.Key, "key", "", "signatures by this public `KEY` count: a file, env://VARIABLE with the content of one, or a key in a KMS\nsuch as awskms://…, for which the program sigstore-kms-awskms is run")
	flags.StringVar(&p.Identity, "certificate-identity", "", "signatures by this `NAME` count, such as the URL of a workflow; needs the issuer and --trusted-root")
	flags.StringVar(&p.IdentityRegexp, "certificate-identity-regexp", "", "the same for all names that fit a regular `EXPRESSION`, anywhere in them: begin it with ^ and end it with $")
	flags.StringVar(&p.Issuer, "certificate-oidc-issuer", "", "`URL` of who vouches for the name, such as https://token.actions.githubusercontent.com")
	flags.StringVar(&p.IssuerRegexp, "certificate-oidc-issuer-regexp", "", "the same for all URLs that fit a regular `EXPRESSION`")
	addTrustedRootFlag(flags, &p.TrustedRoot)
	flags.BoolVar(&p.RequireLog, "require-log", false, "a signature by --key must be in a transparency log of --trusted-root too")
	flags.StringArrayVarP(&p.Annotations, "annotation", "a", nil, "`NAME=VALUE` that the signature must have (repeatable)")
	flags.BoolVar(&p.Unsigned, "unsigned", false, "do not ask for a signature; whatever else is checked, anybody may have made the image")
	flags.StringArrayVar(&p.Require, "require", nil, "`WHAT` the signer must have attested: sbom, provenance, or the URI of a predicate type (repeatable)")
	flags.StringVar(&p.BuilderID, "builder-id", "", "`URI` of who must have built the image, as its provenance says; without @ and a version all versions fit")
	flags.StringVar(&p.Source, "source", "", "`REPOSITORY` that it must be built from, as its provenance says, such as github.com/me/web; not with\nchanges that were not committed")
	flags.BoolVar(&p.AllowDirty, "allow-dirty", false, "with --source: changes that were not committed may be in it")
	flags.StringVar(&p.BaseIs, "base-is", "", "`base` that it must be built on, or an older one of the same line: a short name such as ltsc2022, or a reference;\na digest is that base alone")
	flags.StringVar(&p.MaxBaseAge, "max-base-age", "", "`TIME` by which its base may be older than the newest of its line, such as 30d; 0d is the newest alone")
	flags.BoolVar(&p.Supported, "supported", false, "neither its Windows nor its .NET may be past the end of Microsoft's support; downloads the layers on the base")
	flags.BoolVar(&p.Lint, "lint", true, "Windows must take the layers on the base, which are downloaded for that; --lint=false leaves it out")
	flags.StringArrayVar(&p.RunsOn, "runs-on", nil, "`HOST` that must run it in a process, such as ltsc2022 or windows-11-24H2; with /hyperv behind it, in\nHyper-V's virtual machine at least (repeatable)")
	flags.StringVar(&f.policy, "policy", "", "YAML `FILE` with the same: each key is the name of a flag")
	flags.StringVarP(&f.output, "output", "o", "text", "`format` of the output: text or json")
}

func (a *app) runVerify(cmd *cobra.Command, f *verifyFlags) error {
	if f.output != "text" && f.output != "json" {
		return usageError{fmt.Errorf("--output %s is unknown: use text or json", f.output)}
	}
	if err := refuseEmpty(cmd.Flags()); err != nil {
		return err
	}
	deps, err := a.networkDeps(&f.network, &f.options.NetworkOptions)
	if err != nil {
		return err
	}
	asked, stated := policy.Default(), policy.Stated{}
	if f.policy != "" {
		if asked, stated, err = flow.ReadPolicy(f.policy, deps); err != nil {
			return err
		}
	}
	f.options.Asked = asked.Under(f.line, counting(cmd.Flags(), stated))
	found, err := flow.Verify(cmd.Context(), f.options, deps)
	if found == nil {
		return err
	}
	write := writeVerification
	if f.output == "json" {
		write = func(w io.Writer, v *flow.Verification) error { return writeJSON(w, v) }
	}
	return errors.Join(err, write(a.Stdout, found))
}

// refuseEmpty finds flags with an empty text for a value, which is what a script gives for
// a variable that is not set: they would turn off what they were written to ask for.
func refuseEmpty(flags *pflag.FlagSet) error {
	var failed error
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			if failed == nil && strings.TrimSpace(v) == "" {
				failed = usageError{fmt.Errorf("--%s is empty; give a value or leave it out", f.Name)}
			}
		}
	})
	return failed
}

// counting says which flags count: those of the command line, and those of variables where
// the policy leaves open what they say. A signer on the command line leaves nothing of the
// policy's.
func counting(flags *pflag.FlagSet, stated policy.Stated) func(string) bool {
	replaced := false
	flags.Visit(func(f *pflag.Flag) {
		replaced = replaced || !fromVariable(f) && policy.Signer(f.Name)
	})
	return func(name string) bool {
		one := flags.Lookup(name)
		switch {
		case one == nil || !one.Changed:
			return false
		case !fromVariable(one):
			return true
		case replaced && policy.Signer(name):
			return true
		}
		return stated.Leaves(name)
	}
}
