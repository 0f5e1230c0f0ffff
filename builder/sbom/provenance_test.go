package sbom

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/builder/base"
)

func provenance() Provenance {
	return Provenance{
		Project: "src/Shop.Web", Arguments: []string{"publish", "<x> & y"}, Settings: map[string]string{"NANOBUILD_BASE": "ltsc2022"},
		Source: Source{Repository: "https://user:planted@git.example/shop", Commit: commit, Dirty: true},
		Bases:  []*base.Base{nanoserver("mcr.microsoft.com/windows/nanoserver:ltsc2022", "10.0.20348.4171"), nanoserver("tar:/home/planted/x.tar", "")},
		SDK:    "10.0.401", Packages: shop(), BuilderID: "https://builder.example/local", Versions: map[string]string{"nanobuild": "1.0.0"},
	}
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	raw, err := provenance().Predicate()
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.Repeat("ab", 32)
	const want = `{"buildDefinition": {"buildType": "TYPE",
		"externalParameters": {"project": "src/Shop.Web", "source": "git+https://git.example/shop", "arguments": ["publish", "<x> & y"], "settings": {"NANOBUILD_BASE": "ltsc2022"}},
		"resolvedDependencies": [
			{"name": "source", "uri": "git+https://git.example/shop@COMMIT", "digest": {"gitCommit": "COMMIT"}, "annotations": {"dirty": true}},
			{"name": "base", "uri": "pkg:oci/nanoserver@sha256:DIGEST?repository_url=mcr.microsoft.com%2Fwindows%2Fnanoserver&tag=ltsc2022", "digest": {"sha256": "DIGEST"}, "annotations": {"os.version": "10.0.20348.4171"}},
			{"name": "base", "digest": {"sha256": "DIGEST"}},
			{"name": "sdk", "uri": "pkg:generic/dotnet-sdk@10.0.401"},
			{"uri": "pkg:nuget/Analyzer@1.0.0"}, {"uri": "pkg:nuget/Old@0.1.0-beta%2Bx"},
			{"uri": "pkg:nuget/Polly@8.9.1", "digest": {"sha512": "SUM"}},
			{"uri": "pkg:nuget/Microsoft.NETCore.App.Runtime.win-x64@10.0.12"}]},
		"runDetails": {"builder": {"id": "https://builder.example/local", "version": {"nanobuild": "1.0.0"}}}}`
	filled := strings.NewReplacer("TYPE", BuildType, "COMMIT", commit, "DIGEST", digest, "SUM", strings.Repeat("d9", 64)).Replace(want)
	if diff := cmp.Diff(generic(t, []byte(filled)), generic(t, raw)); diff != "" {
		t.Error(diff)
	}
	if bytes.ContainsRune(raw, '\n') || bytes.Contains(raw, []byte("planted")) {
		t.Errorf("predicate %s", raw)
	}
}

func generic(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestProvenanceOfARun(t *testing.T) {
	t.Parallel()
	p := provenance()
	p.Invocation = "https://builder.example/runs/7"
	p.Started = time.Date(2026, 11, 26, 13, 0, 0, 5, time.FixedZone("", 3600))
	p.Finished = p.Started.Add(time.Minute)
	raw, err := p.Predicate()
	if err != nil {
		t.Fatal(err)
	}
	const want = `"metadata":{"invocationId":"https://builder.example/runs/7","startedOn":"2026-11-26T12:00:00Z","finishedOn":"2026-11-26T12:01:00Z"}`
	if !bytes.Contains(raw, []byte(want)) {
		t.Errorf("predicate %s, want %s in it", raw, want)
	}
}

func TestProvenanceNeedsABuilder(t *testing.T) {
	t.Parallel()
	for _, p := range []Provenance{{Project: "x"}, {BuilderID: "https://x"}} {
		if raw, err := p.Predicate(); err == nil {
			t.Errorf("%+v: %s", p, raw)
		}
	}
}
