package sbom

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // SPDX's verification code is made of it
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

const noAssertion = "NOASSERTION"

// namespaces begins the names of our SPDX documents; nothing has to be there:
// https://spdx.github.io/spdx-spec/v2.3/document-creation-information/#65-spdx-document-namespace-field
const namespaces = "https://github.com/nanobuild/nanobuild/spdx/"

// hashComment says which checksum a package of NuGet has.
const hashComment = "The SHA512 of a NuGet package is NuGet's content hash, as in packages.lock.json: that of the package without its signature."

// SPDX writes the document as SPDX 2.3 in JSON, in one line:
// https://spdx.github.io/spdx-spec/v2.3/
func (d *Document) SPDX(c Contents) ([]byte, error) {
	w := spdxWriter{document: d, contents: c, ids: names{"DOCUMENT": true}, texts: map[string]bool{}}
	doc := w.write()
	anonymous, err := encodeSPDX(doc)
	if err != nil {
		return nil, fmt.Errorf("write the SBOM of %s as SPDX: %w", d.in.Name, err)
	}
	doc.DocumentNamespace = namespaces + url.PathEscape(d.in.Name) + "-" + contentUUID(anonymous)
	raw, err := encodeSPDX(doc)
	if err != nil {
		return nil, fmt.Errorf("write the SBOM of %s as SPDX: %w", d.in.Name, err)
	}
	return raw, nil
}

func encodeSPDX(doc *spdx.Document) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(doc)
	return out.Bytes(), err
}

// spdxWriter collects the elements of one document.
type spdxWriter struct {
	document *Document
	contents Contents
	ids      names
	texts    map[string]bool // licences whose text is in the document
	out      spdx.Document
}

func (w *spdxWriter) write() *spdx.Document {
	in := w.document.in
	w.out = spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName: in.Name, DocumentComment: hashComment,
		CreationInfo: &spdx.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "nanobuild"}},
			Created:  in.Clock.Created().Format(time.RFC3339),
		},
	}
	image := w.add(spdx.Package{PackageName: in.Name, PackageVersion: in.Version, PrimaryPackagePurpose: "CONTAINER"}, "Image", in.Name)
	w.relate("DOCUMENT", common.TypeRelationshipDescribe, image)
	ids := make([]string, len(in.Packages.Packages))
	for i, p := range in.Packages.Packages {
		ids[i] = w.addPackage(p)
	}
	w.relatePackages(image, ids)
	w.addFiles(ids)
	for _, b := range w.contents.Bases {
		w.relate(image, common.TypeRelationshipDescendantOf, w.addBase(describeBase(b)))
	}
	return &w.out
}

// add adds a package with what every package has, and returns its identifier.
func (w *spdxWriter) add(p spdx.Package, id ...string) string {
	p.PackageSPDXIdentifier = common.ElementID(w.ids.spdxID(id...))
	p.PackageLicenseConcluded = noAssertion
	p.IsFilesAnalyzedTagPresent = true
	for _, field := range []*string{&p.PackageDownloadLocation, &p.PackageLicenseDeclared, &p.PackageCopyrightText} {
		if *field == "" {
			*field = noAssertion
		}
	}
	if p.PackageSupplier == nil {
		p.PackageSupplier = &common.Supplier{Supplier: noAssertion}
	}
	w.out.Packages = append(w.out.Packages, &p)
	return string(p.PackageSPDXIdentifier)
}

func (w *spdxWriter) addPackage(p dotnet.Package) string {
	out := spdx.Package{PackageName: p.Name, PackageVersion: p.Version, PackageCopyrightText: p.Copyright, PackageHomePage: webAddress(p.ProjectURL)}
	switch p.Kind {
	case dotnet.AppPackage:
		out.PrimaryPackagePurpose = "APPLICATION"
		out.PackageDownloadLocation, out.PackageSourceInfo = w.document.in.Source.spdx()
	case dotnet.RuntimePack:
		out.PrimaryPackagePurpose = "FRAMEWORK"
	default:
		out.PrimaryPackagePurpose = "LIBRARY"
	}
	if p.Authors != "" {
		out.PackageSupplier = &common.Supplier{SupplierType: "Organization", Supplier: p.Authors}
	}
	if p.SHA512 != nil {
		out.PackageChecksums = []common.Checksum{{Algorithm: common.SHA512, Value: hex.EncodeToString(p.SHA512)}}
	}
	if purl := packagePURL(p); purl != "" {
		out.PackageExternalReferences = purlReference(purl)
		out.PackageSourceInfo = sourceOf(p.Repository)
	}
	l := declared(p.License)
	w.addText(l)
	out.PackageLicenseDeclared = l.spdx()
	if l.url != "" {
		out.PackageLicenseComments = "The package says that its licence is at " + l.url
	}
	return w.add(out, strings.ReplaceAll(string(p.Kind), " ", ""), p.Name, p.Version)
}

// spdx tells where the application's source is: only what was committed can be
// fetched again.
func (s Source) spdx() (location, info string) {
	if s.Commit == "" {
		return "", ""
	}
	info = "built from the git commit " + s.Commit
	if s.Dirty {
		return "", info + " with changes that are not committed"
	}
	if address := webAddress(s.Repository); address != "" {
		location = "git+" + address + "@" + s.Commit
	}
	return location, info
}

// sourceOf says where a package has its source code, in one sentence.
func sourceOf(r dotnet.Repository) string {
	address := webAddress(r.URL)
	if address == "" {
		return ""
	}
	if r.Commit == "" {
		return "source code: " + address
	}
	return "source code: " + address + ", commit " + r.Commit
}

func purlReference(purl string) []*spdx.PackageExternalReference {
	return []*spdx.PackageExternalReference{{
		Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: purl,
	}}
}

// addText adds the text of a licence that SPDX's list does not have.
func (w *spdxWriter) addText(l license) {
	if l.ref == "" || w.texts[l.ref] {
		return
	}
	w.texts[l.ref] = true
	w.out.OtherLicenses = append(w.out.OtherLicenses, &spdx.OtherLicense{LicenseIdentifier: l.ref, ExtractedText: l.text, LicenseName: noAssertion})
}

func (w *spdxWriter) addBase(b baseImage) string {
	p := spdx.Package{
		PackageName: b.name, PackageVersion: b.version, PrimaryPackagePurpose: "CONTAINER",
		PackageChecksums: []common.Checksum{{Algorithm: common.SHA256, Value: b.digest}},
	}
	if b.purl != "" {
		p.PackageExternalReferences = purlReference(b.purl)
	}
	return w.add(p, "Base", b.name, b.version)
}

func (w *spdxWriter) relate(from, kind, to string) {
	w.out.Relationships = append(w.out.Relationships, &spdx.Relationship{
		RefA: common.MakeDocElementID("", from), RefB: common.MakeDocElementID("", to), Relationship: kind,
	})
}

// relatePackages says what the image contains and what needs what. Of what only the
// build needs, nothing is in the image.
func (w *spdxWriter) relatePackages(image string, ids []string) {
	packages := w.document.in.Packages.Packages
	edges := edgesOf(packages)
	for i, p := range packages {
		if p.BuildOnly {
			w.relate(ids[i], common.TypeRelationshipBuildDependencyOf, ids[0])
		} else {
			w.relate(image, common.TypeRelationshipContains, ids[i])
		}
	}
	for i := range packages {
		for _, to := range edges[i] {
			if i != 0 || !packages[to].BuildOnly {
				w.relate(ids[i], common.TypeRelationshipDependsOn, ids[to])
			}
		}
	}
}

// addFiles adds the files, and to their packages the code that proves that none is
// missing: https://spdx.github.io/spdx-spec/v2.3/package-information/#79-package-verification-code-field
func (w *spdxWriter) addFiles(ids []string) {
	if w.contents.PackagesOnly {
		return
	}
	checksums := make([][]string, len(ids))
	for _, f := range w.document.files {
		sum := nameSum(f.path)
		id := w.ids.spdxID("File", sum)
		w.out.Files = append(w.out.Files, &spdx.File{
			FileName: "./" + f.path, FileSPDXIdentifier: common.ElementID(id), FileCopyrightText: noAssertion,
			Checksums: []common.Checksum{{Algorithm: common.SHA1, Value: f.sha1}, {Algorithm: common.SHA256, Value: f.sha256}},
		})
		w.relate(ids[f.owner], common.TypeRelationshipContains, id)
		checksums[f.owner] = append(checksums[f.owner], f.sha1)
	}
	for i, of := range checksums {
		if len(of) > 0 {
			p := w.out.Packages[i+1] // the image comes before its packages
			p.FilesAnalyzed = true
			p.PackageVerificationCode = &common.PackageVerificationCode{Value: verificationCode(of)}
		}
	}
}

func verificationCode(sums []string) string {
	slices.Sort(sums)
	code := sha1.Sum([]byte(strings.Join(sums, ""))) //nolint:gosec // see the import
	return hex.EncodeToString(code[:])
}
