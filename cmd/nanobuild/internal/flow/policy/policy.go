// Package policy holds what an image must be for nanobuild verify to accept it, and
// reads that from a file. Its keys are the names of the command's flags.
package policy

// Policy is what is asked of an image. The zero value asks nothing; [Default] is what
// the command starts from. Everything is text as flags have it.
type Policy struct {
	// Whose signatures count: a key, or an identity with its issuer.
	Key            string // a file, env://VARIABLE or the reference of a key in a KMS
	Identity       string
	IdentityRegexp string
	Issuer         string
	IssuerRegexp   string

	TrustedRoot string   // a file
	RequireLog  bool     // signatures by a key must be in a transparency log, too
	Annotations []string // NAME=VALUE, that a signature must have
	Unsigned    bool     // no signature is asked for

	Require   []string // SBOM, Provenance, or the URI of a predicate type
	BuilderID string   // who must have built it, as its provenance says
	Source    string   // the repository that it must be built from, likewise
	// AllowDirty takes images with changes on top of Source that were not committed.
	AllowDirty bool

	BaseIs     string   // a base, or the line of it
	MaxBaseAge string   // see [ParseAge]; "" is not asked
	Supported  bool     // Windows and .NET must not be past their end
	Lint       bool     // Windows must take the layers on the base
	RunsOn     []string // hosts, see [ParseHost]
}

// What Require calls the predicates that nanobuild makes.
const (
	SBOM       = "sbom"
	Provenance = "provenance"
)

// Default asks for sound layers, and not yet for a signature.
func Default() Policy { return Policy{Lint: true} }

// Under returns the policy with what was given on a command line: lists have both, and
// of all else what was given counts. A key or an identity that was given replaces those
// of the policy, of either kind, and asks for a signature where the policy does not.
// given tells it by the names of the flags.
func (p Policy) Under(line Policy, given func(flag string) bool) Policy {
	signer := false
	for _, f := range fields() {
		signer = signer || f.signer && given(f.name)
	}
	for _, f := range fields() {
		switch to := f.at(&p).(type) {
		case *string:
			if given(f.name) || signer && f.signer {
				*to = *f.at(&line).(*string)
			}
		case *bool:
			if given(f.name) {
				*to = *f.at(&line).(*bool)
			}
		case *[]string:
			if given(f.name) {
				*to = append(append([]string(nil), *to...), *f.at(&line).(*[]string)...)
			}
		}
	}
	if signer && !given(unsigned) {
		p.Unsigned = false
	}
	return p
}

// Stated are the keys that a policy in a file has.
type Stated map[string]bool

// Leaves says whether the policy leaves it open what a flag would say, so that a variable
// may. Who must have signed is one question, whichever keys answer it.
func (s Stated) Leaves(flag string) bool {
	if s[flag] {
		return false
	}
	if !aboutSigner(flag) {
		return true
	}
	for name := range s {
		if aboutSigner(name) {
			return false
		}
	}
	return true
}

// Signer says whether a flag names whose signatures count.
func Signer(flag string) bool { return flag != unsigned && aboutSigner(flag) }

const unsigned = "unsigned"

func aboutSigner(flag string) bool {
	for _, f := range fields() {
		if f.name == flag {
			return f.signer || flag == unsigned
		}
	}
	return false
}

// Signed says whether somebody is named whose signatures count.
func (p Policy) Signed() bool {
	return p.Key != "" || p.Identity+p.IdentityRegexp+p.Issuer+p.IssuerRegexp != ""
}
