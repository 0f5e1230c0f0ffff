package sbom

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// BuildType names what the parameters of the provenance mean. It is described there.
const BuildType = "https://github.com/nanobuild/nanobuild/blob/main/builder/sbom/BUILDTYPE.md"

// Provenance is how an image was built.
type Provenance struct {
	// Project is the slash path of the project in its repository, or its name alone
	// where there is no repository.
	Project string
	// Arguments are those of the command line, without the program and without
	// secrets.
	Arguments []string
	// Settings are what the build was told in other ways, such as environment
	// variables, by name and without secrets.
	Settings map[string]string

	Source   Source
	Bases    []*base.Base      // what the image or the index is built on
	SDK      string            // version of the .NET SDK; "" where none ran
	Packages *dotnet.Inventory // nil where they are not known

	BuilderID  string            // URI of who ran the build and is trusted to tell of it
	Versions   map[string]string // of the builder's parts, such as "nanobuild"
	Invocation string            // names this run, such as its URI; "" for none
	// Started and Finished are zero where the document must not depend on them.
	Started, Finished time.Time
}

// predicate and what it holds are SLSA's provenance, version 1:
// https://slsa.dev/spec/v1.0/provenance
type predicate struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string               `json:"buildType"`
	ExternalParameters   parameters           `json:"externalParameters"`
	ResolvedDependencies []resourceDescriptor `json:"resolvedDependencies,omitempty"`
}

// parameters are those of BuildType.
type parameters struct {
	Project   string            `json:"project"`
	Source    string            `json:"source,omitempty"`
	Arguments []string          `json:"arguments,omitempty"`
	Settings  map[string]string `json:"settings,omitempty"`
}

// resourceDescriptor is in-toto's:
// https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md
type resourceDescriptor struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

type runDetails struct {
	Builder  builder        `json:"builder"`
	Metadata *buildMetadata `json:"metadata,omitempty"`
}

type builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

type buildMetadata struct {
	InvocationID string `json:"invocationId,omitempty"`
	StartedOn    string `json:"startedOn,omitempty"`
	FinishedOn   string `json:"finishedOn,omitempty"`
}

// Predicate writes the predicate of a provenance statement, version 1, in one line.
// It fails where it is not told who built and what.
func (p Provenance) Predicate() (json.RawMessage, error) {
	if p.BuilderID == "" || p.Project == "" {
		return nil, errors.New("write the provenance: it needs the builder and the project")
	}
	out := predicate{
		BuildDefinition: buildDefinition{
			BuildType:            BuildType,
			ExternalParameters:   parameters{Project: p.Project, Source: p.Source.uri(), Arguments: p.Arguments, Settings: p.Settings},
			ResolvedDependencies: p.dependencies(),
		},
		RunDetails: runDetails{Builder: builder{ID: p.BuilderID, Version: p.Versions}, Metadata: p.metadata()},
	}
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return nil, fmt.Errorf("write the provenance: %w", err)
	}
	return bytes.TrimSuffix(raw.Bytes(), []byte("\n")), nil
}

// uri is the repository's, in the form that tells what kind it is; "" where none is
// known.
func (s Source) uri() string {
	address := webAddress(s.Repository)
	if address == "" {
		return ""
	}
	return "git+" + address
}

// dependencies are everything that the build took from elsewhere: the commit, the
// bases, the SDK and the packages, those for the build alone too.
func (p Provenance) dependencies() []resourceDescriptor {
	var out []resourceDescriptor
	if p.Source.Commit != "" {
		d := resourceDescriptor{Name: "source", URI: p.Source.uri(), Digest: map[string]string{"gitCommit": p.Source.Commit}}
		if d.URI != "" {
			d.URI += "@" + p.Source.Commit
		}
		if p.Source.Dirty {
			d.Annotations = map[string]any{"dirty": true}
		}
		out = append(out, d)
	}
	for _, b := range p.Bases {
		described := describeBase(b)
		d := resourceDescriptor{Name: "base", URI: described.purl, Digest: map[string]string{b.Digest.Algorithm: b.Digest.Hex}}
		if described.version != "" {
			d.Annotations = map[string]any{"os.version": described.version}
		}
		out = append(out, d)
	}
	if p.SDK != "" {
		out = append(out, resourceDescriptor{Name: "sdk", URI: genericPURL("dotnet-sdk", p.SDK)})
	}
	if p.Packages == nil {
		return out
	}
	for _, pack := range p.Packages.Packages {
		if uri := packagePURL(pack); uri != "" {
			d := resourceDescriptor{URI: uri}
			if pack.SHA512 != nil {
				d.Digest = map[string]string{"sha512": hex.EncodeToString(pack.SHA512)}
			}
			out = append(out, d)
		}
	}
	return out
}

// metadata is nil where nothing is to be said of the run.
func (p Provenance) metadata() *buildMetadata {
	m := buildMetadata{InvocationID: p.Invocation, StartedOn: timestamp(p.Started), FinishedOn: timestamp(p.Finished)}
	if m == (buildMetadata{}) {
		return nil
	}
	return &m
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
