//go:build !nosign

package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/publish/sign"
)

// origin is what provenance says of a build.
type origin struct {
	builder string
	source  string // the repository; "" where nothing is told
	dirty   bool   // with changes that the repository does not have
}

// from is the source as people read it.
func (o origin) from() string {
	if o.dirty {
		return o.source + ", with changes that were not committed"
	}
	return o.source
}

// provenance checks who built an image, and of what. Both must stand in one statement.
func (r *verifyRun) provenance(m manifest, v *sign.Verified) {
	p := r.Asked
	if p.BuilderID == "" && p.Source == "" {
		return
	}
	origins, problem := originsIn(attested(v, sign.PredicateSLSA))
	if v == nil {
		problem = "not looked at, since the image has no valid signature"
	}
	byBuilder := func(o origin) bool { return p.BuilderID == "" || sameBuilder(o.builder, p.BuilderID) }
	if p.BuilderID != "" {
		r.add(m, provenanceCheck(CheckBuilder, p.BuilderID, origins, problem, byBuilder, func(o origin) string { return o.builder }))
	}
	if p.Source != "" {
		fits := func(o origin) bool {
			return byBuilder(o) && sameSource(o.source, p.Source) && (!o.dirty || p.AllowDirty)
		}
		c := provenanceCheck(CheckSource, p.Source, origins, problem, fits, origin.from)
		if c.Verdict == Failed && slices.ContainsFunc(origins, func(o origin) bool { return o.dirty && byBuilder(o) && sameSource(o.source, p.Source) }) {
			c.Detail += "; commit the changes and publish again, or take such images with --allow-dirty"
		}
		r.add(m, c)
	}
}

func provenanceCheck(name, wanted string, origins []origin, problem string, fits func(origin) bool, shown func(origin) string) Check {
	c := Check{Name: name, Wanted: wanted, Verdict: Failed, Detail: problem}
	if i := slices.IndexFunc(origins, fits); i >= 0 {
		c.Verdict, c.Detail = Passed, builder.Printable(shown(origins[i]))
		return c
	}
	if problem == "" {
		var all []string
		for _, o := range origins {
			all = append(all, orUntold(shown(o)))
		}
		c.Detail = fmt.Sprintf("its provenance names %s, and %s is wanted", strings.Join(all, ", "), wanted)
	}
	return c
}

func orUntold(s string) string {
	if s == "" {
		return "none"
	}
	return builder.Printable(s)
}

// originsIn reads provenance. It tells the problem where there is none to read.
func originsIn(all []sign.Attestation) (found []origin, problem string) {
	problem = "no provenance is attested by this signer; attest it with nanobuild publish --attest-provenance"
	for _, a := range all {
		o, err := readOrigin(a.Predicate)
		if err != nil {
			problem = "its provenance cannot be read: " + err.Error()
			continue
		}
		found = append(found, o)
	}
	if len(found) > 0 {
		problem = ""
	}
	return found, problem
}

// statedOrigin is the part of SLSA provenance v1 that tells of builder and source.
//
// https://slsa.dev/spec/v1.0/provenance
type statedOrigin struct {
	BuildDefinition struct {
		ExternalParameters struct {
			Source   json.RawMessage // nanobuild's, a text
			Workflow struct{ Repository string }
		}
		ResolvedDependencies []struct {
			URI         string
			Annotations struct{ Dirty json.RawMessage }
		}
	}
	RunDetails struct{ Builder struct{ ID string } }
}

// readOrigin reads a predicate. The source is the first dependency out of git, which is
// where GitHub's and nanobuild's builders put it; where the parameters name a repository
// besides, it must be the same.
//
// https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1
func readOrigin(raw json.RawMessage) (origin, error) {
	var p statedOrigin
	if err := layers.CheckJSON(raw); err != nil {
		return origin{}, err
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return origin{}, err
	}
	o := origin{builder: p.RunDetails.Builder.ID}
	for _, d := range p.BuildDefinition.ResolvedDependencies {
		if strings.HasPrefix(d.URI, "git+") {
			o.source, o.dirty = d.URI, string(d.Annotations.Dirty) == "true"
			break
		}
	}
	var parameter string
	if json.Unmarshal(p.BuildDefinition.ExternalParameters.Source, &parameter) != nil {
		parameter = "" // other builders have other things there
	}
	for _, named := range []string{p.BuildDefinition.ExternalParameters.Workflow.Repository, parameter} {
		switch {
		case named == "":
		case o.source == "":
			o.source = named
		case !sameSource(o.source, named):
			return origin{}, errors.New("it names two sources, " + builder.Printable(o.source) + " and " + builder.Printable(named))
		}
	}
	return o, nil
}

// sameBuilder compares the ids of builders. One that is wanted without a version behind
// @ fits all versions.
func sameBuilder(id, wanted string) bool {
	if id == wanted {
		return true
	}
	bare, _, versioned := strings.Cut(id, "@")
	return versioned && bare == wanted && !strings.Contains(wanted, "@")
}

// sameSource compares repositories, however they are written: github.com/me/web,
// https://github.com/me/web.git, git+https://github.com/me/web@refs/heads/main. A
// revision behind @ counts where one is wanted.
func sameSource(told, wanted string) bool {
	toldRepo, toldAt := splitSource(told)
	wantedRepo, wantedAt := splitSource(wanted)
	return toldRepo != "" && toldRepo == wantedRepo && (wantedAt == "" || toldAt == wantedAt)
}

func splitSource(s string) (repo, revision string) {
	s = strings.TrimPrefix(s, "git+")
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "", ""
	}
	path, revision, _ := strings.Cut(u.Path, "@")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), ".git")
	return strings.ToLower(u.Host) + path, revision
}
