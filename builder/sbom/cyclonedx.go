//go:build !nosign

package sbom

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// HasCycloneDX says whether this program writes CycloneDX.
const HasCycloneDX = true

// longestVersion is how many bytes the version of a component may have; the schema
// bounds its characters.
const longestVersion = 1024

// CycloneDX writes the document as CycloneDX 1.6 in JSON, in one line; each file is a
// part of the package it belongs to: https://cyclonedx.org/docs/1.6/json/
func (d *Document) CycloneDX(c Contents) ([]byte, error) {
	bom := d.bom(c)
	anonymous, err := encodeCycloneDX(bom)
	if err != nil {
		return nil, fmt.Errorf("write the SBOM of %s as CycloneDX: %w", d.in.Name, err)
	}
	bom.SerialNumber = "urn:uuid:" + contentUUID(anonymous)
	raw, err := encodeCycloneDX(bom)
	if err != nil {
		return nil, fmt.Errorf("write the SBOM of %s as CycloneDX: %w", d.in.Name, err)
	}
	return raw, nil
}

func encodeCycloneDX(bom *cdx.BOM) ([]byte, error) {
	var out bytes.Buffer
	err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetEscapeHTML(false).Encode(bom)
	return out.Bytes(), err
}

func (d *Document) bom(c Contents) *cdx.BOM {
	refs := names{}
	image := cdx.Component{BOMRef: refs.unique("image"), Type: cdx.ComponentTypeContainer, Name: d.in.Name, Version: d.in.Version}
	components, dependencies := d.components(c, refs)
	needs := append(make([]string, 0, 1+len(c.Bases)), components[0].BOMRef)
	ancestors := make([]cdx.Component, 0, len(c.Bases))
	for _, b := range c.Bases {
		component := describeBase(b).component()
		ancestors = append(ancestors, component)
		component.BOMRef = refs.unique(cmp.Or(component.PackageURL, "base"))
		components = append(components, component)
		dependencies = append(dependencies, cdx.Dependency{Ref: component.BOMRef})
		needs = append(needs, component.BOMRef)
	}
	if len(ancestors) > 0 {
		image.Pedigree = &cdx.Pedigree{Ancestors: &ancestors}
	}
	dependencies = append([]cdx.Dependency{{Ref: image.BOMRef, Dependencies: &needs}}, dependencies...)
	return &cdx.BOM{
		JSONSchema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: cdx.BOMFormat, SpecVersion: cdx.SpecVersion1_6, Version: 1,
		Metadata: &cdx.Metadata{
			Timestamp: d.in.Clock.Created().Format(time.RFC3339),
			Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "nanobuild"}}},
			Component: &image,
		},
		Components: &components, Dependencies: &dependencies,
	}
}

// components are the packages with their files, the application first, and what they
// depend on.
func (d *Document) components(c Contents, refs names) ([]cdx.Component, []cdx.Dependency) {
	packages := d.in.Packages.Packages
	files := make([][]cdx.Component, len(packages))
	if !c.PackagesOnly {
		for _, f := range d.files {
			files[f.owner] = append(files[f.owner], f.component(refs))
		}
	}
	components := make([]cdx.Component, 0, len(packages)+len(c.Bases))
	for i, p := range packages {
		component := d.component(p)
		component.BOMRef = refs.unique(cmp.Or(component.PackageURL, string(p.Kind)+":"+p.Name))
		if len(files[i]) > 0 {
			component.Components = &files[i]
		}
		components = append(components, component)
	}
	dependencies := make([]cdx.Dependency, 0, cap(components)+1)
	for i, edges := range edgesOf(packages) {
		dependency := cdx.Dependency{Ref: components[i].BOMRef}
		if len(edges) > 0 {
			needs := make([]string, 0, len(edges))
			for _, to := range edges {
				needs = append(needs, components[to].BOMRef)
			}
			dependency.Dependencies = &needs
		}
		dependencies = append(dependencies, dependency)
	}
	return components, dependencies
}

func (d *Document) component(p dotnet.Package) cdx.Component {
	out := cdx.Component{Type: cdx.ComponentTypeLibrary, Name: p.Name, Version: p.Version, PackageURL: packagePURL(p), Copyright: p.Copyright}
	switch p.Kind {
	case dotnet.AppPackage:
		out.Type = cdx.ComponentTypeApplication
		out.Pedigree = d.in.Source.pedigree()
	case dotnet.RuntimePack:
		out.Type = cdx.ComponentTypeFramework
	}
	if len(out.Version) > longestVersion {
		out.Version = ""
	}
	out.Scope = cdx.ScopeRequired
	if p.BuildOnly {
		out.Scope = cdx.ScopeExcluded
	}
	if p.Authors != "" {
		out.Supplier = &cdx.OrganizationalEntity{Name: p.Authors}
	}
	if p.SHA512 != nil {
		out.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA512, Value: hex.EncodeToString(p.SHA512)}}
	}
	out.Licenses = declared(p.License).cycloneDX()
	out.ExternalReferences = references(p)
	return out
}

// cycloneDX is the licence as a component declares it; nil for none.
func (l license) cycloneDX() *cdx.Licenses {
	acknowledgement := cdx.LicenseAcknowledgementDeclared
	switch {
	case l.expression != "":
		return &cdx.Licenses{{Expression: l.expression, Acknowledgement: &acknowledgement}}
	case l.ref != "":
		return &cdx.Licenses{{License: &cdx.License{
			Name: l.ref, Text: &cdx.AttachedText{Content: l.text, ContentType: "text/plain"}, Acknowledgement: acknowledgement,
		}}}
	case l.url != "":
		return &cdx.Licenses{{License: &cdx.License{Name: l.url, URL: l.url, Acknowledgement: acknowledgement}}}
	}
	return nil
}

// references are the addresses that a package names.
func references(p dotnet.Package) *[]cdx.ExternalReference {
	var out []cdx.ExternalReference
	if address := webAddress(p.ProjectURL); address != "" {
		out = append(out, cdx.ExternalReference{Type: cdx.ERTypeWebsite, URL: address})
	}
	if address := webAddress(p.Repository.URL); address != "" {
		reference := cdx.ExternalReference{Type: cdx.ERTypeVCS, URL: address}
		if p.Repository.Commit != "" {
			reference.Comment = "commit " + p.Repository.Commit
		}
		out = append(out, reference)
	}
	if len(out) == 0 {
		return nil
	}
	return &out
}

// pedigree tells which commit the application was built from.
func (s Source) pedigree() *cdx.Pedigree {
	if s.Commit == "" {
		return nil
	}
	out := &cdx.Pedigree{Commits: &[]cdx.Commit{{UID: s.Commit, URL: webAddress(s.Repository)}}}
	if s.Dirty {
		out.Notes = "built with changes that are not committed"
	}
	return out
}

func (b baseImage) component() cdx.Component {
	return cdx.Component{
		Type: cdx.ComponentTypeContainer, Name: b.name, Version: b.version, PackageURL: b.purl,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: b.digest}},
	}
}

func (f file) component(refs names) cdx.Component {
	return cdx.Component{
		BOMRef: refs.unique("file:" + nameSum(f.path)), Type: cdx.ComponentTypeFile, Name: f.path,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA1, Value: f.sha1}, {Algorithm: cdx.HashAlgoSHA256, Value: f.sha256}},
	}
}
