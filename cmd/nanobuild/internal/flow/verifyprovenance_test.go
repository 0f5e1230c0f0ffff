//go:build !nosign

package flow

import (
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/publish/sign"
)

const githubBuilder = "https://github.com/me/web/.github/workflows/release.yml@refs/tags/v1"

// githubs is provenance in the form of GitHub's workflows.
const githubs = `{
  "buildDefinition": {
    "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
    "externalParameters": {"workflow": {"ref": "refs/tags/v1", "repository": "https://github.com/me/web", "path": ".github/workflows/release.yml"}},
    "resolvedDependencies": [
      {"uri": "pkg:nuget/A@1.0.0"},
      {"uri": "git+https://github.com/me/web@refs/tags/v1", "digest": {"gitCommit": "0000000000000000000000000000000000000000"}},
      {"uri": "git+https://github.com/you/module@refs/heads/main"}
    ]
  },
  "runDetails": {"builder": {"id": "` + githubBuilder + `"}}
}`

func provenanceOf(builder, source string) sign.Attestation {
	raw, err := json.Marshal(map[string]any{
		"buildDefinition": map[string]any{"resolvedDependencies": []any{map[string]string{"uri": source}}},
		"runDetails":      map[string]any{"builder": map[string]string{"id": builder}},
	})
	if err != nil {
		panic(err)
	}
	return sign.Attestation{PredicateType: sign.PredicateSLSA, Predicate: raw}
}

// ours is provenance in the form of nanobuild's.
func ours(source, annotations string) sign.Attestation {
	return sign.Attestation{PredicateType: sign.PredicateSLSA, Predicate: json.RawMessage(`{"buildDefinition": {
		"externalParameters": {"source": ` + source + `},
		"resolvedDependencies": [{"name": "source", "uri": "git+https://github.com/me/web@1234", "annotations": ` + annotations + `}]}}`)}
}

func TestProvenanceChecks(t *testing.T) {
	t.Parallel()
	github := sign.Attestation{PredicateType: sign.PredicateSLSA, Predicate: json.RawMessage(githubs)}
	broken := sign.Attestation{PredicateType: sign.PredicateSLSA, Predicate: json.RawMessage(`[]`)}
	two := sign.Attestation{PredicateType: sign.PredicateSLSA, Predicate: json.RawMessage(strings.Replace(githubs, `"https://github.com/me/web"`, `"https://github.com/you/web"`, 1))}
	untold := sign.Attestation{PredicateType: sign.PredicateSLSA, Predicate: json.RawMessage(`{}`)}
	other := sign.Attestation{PredicateType: "https://slsa.dev/provenance/v0.2", Predicate: json.RawMessage(githubs)}
	for _, c := range []struct {
		name            string
		attested        []sign.Attestation
		builder, source string
		want            string // verdicts, and words of the details
	}{
		{"both", []sign.Attestation{github}, githubBuilder, "https://github.com/me/web", "pass " + githubBuilder + ", pass git+https://github.com/me/web@refs/tags/v1"},
		{"ours", []sign.Attestation{ours(`"git+https://github.com/me/web"`, `{"dirty": false}`)}, "", "github.com/me/web@1234", "pass git+https://github.com/me/web@1234"},
		{"dirty", []sign.Attestation{ours(`"git+https://github.com/me/web"`, `{"dirty": true}`)}, "", "github.com/me/web", "fail its provenance names git+https://github.com/me/web@1234, with changes that were not committed, and github.com/me/web is wanted; commit the changes and publish again, or take such images with --allow-dirty"},
		{"dirty, with its revision", []sign.Attestation{ours(`"git+https://github.com/me/web"`, `{"dirty": true}`)}, "", "github.com/me/web@1234", "fail its provenance names git+https://github.com/me/web@1234, with changes"},
		{"dirty and clean", []sign.Attestation{ours(`""`, `{"dirty": true}`), ours(`""`, `{}`)}, "", "github.com/me/web@1234", "pass git+https://github.com/me/web@1234"},
		{"other parameter", []sign.Attestation{ours(`"git+https://github.com/you/web"`, `{}`)}, "", "github.com/me/web", "fail its provenance cannot be read: it names two sources"},
		{"another kind of parameter", []sign.Attestation{ours(`{"uri": "x"}`, `{"dirty": "no"}`)}, "", "github.com/me/web", "pass git+https://github.com/me/web@1234"},
		{"any version", []sign.Attestation{github}, "https://github.com/me/web/.github/workflows/release.yml", "", "pass " + githubBuilder},
		{"a second one", []sign.Attestation{provenanceOf("b", "git+https://x.example/a"), github}, githubBuilder, "github.com/me/web", "pass " + githubBuilder + ", pass git+https://github.com/me/web@refs/tags/v1"},
		{"wrong builder", []sign.Attestation{github}, "https://github.com/me/web", "", "fail its provenance names " + githubBuilder + ", and https://github.com/me/web is wanted"},
		{"wrong source", []sign.Attestation{github}, "", "github.com/you/module", "fail its provenance names git+https://github.com/me/web@refs/tags/v1, and github.com/you/module is wanted"},
		{"not of one statement", []sign.Attestation{provenanceOf(githubBuilder, "git+https://x.example/a"), provenanceOf("b", "git+https://github.com/me/web")}, githubBuilder, "github.com/me/web", "pass " + githubBuilder + ", fail its provenance names git+https://x.example/a, git+https://github.com/me/web, and github.com/me/web is wanted"},
		{"two sources", []sign.Attestation{two}, "", "github.com/me/web", "fail its provenance cannot be read: it names two sources, git+https://github.com/me/web@refs/tags/v1 and https://github.com/you/web"},
		{"broken", []sign.Attestation{broken}, "b", "", "fail its provenance cannot be read: json: cannot"},
		{"untold", []sign.Attestation{untold}, "b", "c", "fail its provenance names none, and b is wanted, fail its provenance names none, and c is wanted"},
		{"other version", []sign.Attestation{other}, githubBuilder, "", "fail no provenance is attested by this signer"},
		{"nothing", nil, "b", "", "fail no provenance is attested by this signer; attest it with nanobuild publish --attest-provenance"},
		{"not asked", []sign.Attestation{github}, "", "", ""},
	} {
		r := &verifyRun{VerifyOptions: VerifyOptions{Asked: policy.Policy{BuilderID: c.builder, Source: c.source}}}
		r.provenance(manifest{digest: v1.Hash{Algorithm: "sha256", Hex: "0"}}, &sign.Verified{Attestations: c.attested})
		var got []string
		for _, c := range r.found.Checks {
			got = append(got, string(c.Verdict)+" "+c.Detail)
		}
		if text := strings.Join(got, ", "); !strings.HasPrefix(text, c.want) || c.want == "" && text != "" {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// TestAllowDirty: who takes such an image still reads what it is.
func TestAllowDirty(t *testing.T) {
	t.Parallel()
	r := &verifyRun{VerifyOptions: VerifyOptions{Asked: policy.Policy{Source: "github.com/me/web", AllowDirty: true}}}
	r.provenance(manifest{}, &sign.Verified{Attestations: []sign.Attestation{ours(`""`, `{"dirty": true}`)}})
	if c := r.found.Checks[0]; c.Verdict != Passed || c.Detail != "git+https://github.com/me/web@1234, with changes that were not committed" {
		t.Errorf("%+v", c)
	}
}

func TestSameSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		told, wanted string
		want         bool
	}{
		{"git+https://github.com/me/web@refs/heads/main", "github.com/me/web", true},
		{"git+https://GitHub.com/me/web.git", "https://github.com/me/web/", true},
		{"git+https://github.com/me/web@refs/heads/main", "git+https://github.com/me/web@refs/heads/main", true},
		{"git+https://github.com/me/web@refs/heads/main", "github.com/me/web@refs/heads/release", false},
		{"git+https://github.com/me/web", "github.com/me/web@refs/heads/release", false},
		{"git+ssh://git@github.com/me/web", "github.com/me/web", true},
		{"git+https://github.com/me/web", "github.com/Me/web", false},
		{"git+https://github.com/me/web2", "github.com/me/web", false},
		{"git+https://github.com/me/web", "github.com/me", false},
		{"git+https://github.com.evil.example/me/web", "github.com/me/web", false},
		{"git+https://evil.example/github.com/me/web", "github.com/me/web", false},
		{"git+https://github.com@evil.example/me/web", "github.com/me/web", false},
		{"git+https://github.com:8443/me/web", "github.com/me/web", false},
		{"", "", false},
		{"git+:", "", false},
		{"git+https://%zz", "https://%zz", false},
	} {
		if got := sameSource(c.told, c.wanted); got != c.want {
			t.Errorf("%q and %q: %v, want %v", c.told, c.wanted, got, c.want)
		}
	}
}

func TestSameBuilder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id, wanted string
		want       bool
	}{
		{"https://b/x@v1", "https://b/x@v1", true}, {"https://b/x@v1", "https://b/x", true}, {"https://b/x", "https://b/x", true},
		{"https://b/x@v1", "https://b/x@v2", false}, {"https://b/x", "https://b/x@v1", false}, {"https://b/xy@v1", "https://b/x", false}, {"https://b/x/y", "https://b/x", false}, {"", "https://b/x", false},
	} {
		if got := sameBuilder(c.id, c.wanted); got != c.want {
			t.Errorf("%q and %q: %v, want %v", c.id, c.wanted, got, c.want)
		}
	}
}

// FuzzReadOrigin: whatever is attested, a source that it tells equals itself.
func FuzzReadOrigin(f *testing.F) {
	f.Add([]byte(githubs))
	f.Add([]byte(`{"buildDefinition":{"externalParameters":{"workflow":{"repository":"https://a/b"}}}}`))
	f.Add([]byte(`{"buildDefinition":{"resolvedDependencies":[{"uri":"git+"}]}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := readOrigin(raw)
		if err != nil {
			return
		}
		if repo, _ := splitSource(o.source); repo != "" && !sameSource(o.source, o.source) {
			t.Errorf("%q is not the same as itself", o.source)
		}
	})
}

// TestRequireSBOM: a type alone is no SBOM.
func TestRequireSBOM(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, predicate string
		want            Verdict
	}{
		{sign.PredicateSPDX, `{"spdxVersion":"SPDX-2.3"}`, Passed}, {sign.PredicateCycloneDX, `{"bomFormat":"CycloneDX"}`, Passed},
		{sign.PredicateSPDX, `{}`, Failed}, {sign.PredicateSPDX, `null`, Failed}, {sign.PredicateSPDX, ``, Failed}, {sign.PredicateSPDX, `{"bomFormat":"CycloneDX"}`, Failed},
	} {
		r := &verifyRun{VerifyOptions: VerifyOptions{Asked: policy.Policy{Require: []string{policy.SBOM}}}}
		r.attestations(manifest{}, &sign.Verified{Attestations: []sign.Attestation{{PredicateType: c.kind, Predicate: json.RawMessage(c.predicate)}}})
		if got := r.found.Checks[0]; got.Verdict != c.want || c.want == Failed && !strings.Contains(got.Detail, "no such document") {
			t.Errorf("%s %s: %+v", c.kind, c.predicate, got)
		}
	}
}
