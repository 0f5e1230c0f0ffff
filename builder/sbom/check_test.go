package sbom

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/package-url/packageurl-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
)

var (
	spdxID    = regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`)
	timeValue = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	sums160   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// checkSPDX reads a document with SPDX's own library and checks what the
// specification demands: https://spdx.github.io/spdx-spec/v2.3/
func checkSPDX(t testing.TB, raw []byte) *spdx.Document {
	t.Helper()
	doc, err := spdxjson.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("the library cannot read the document: %v\n%.2000s", err, raw)
	}
	if doc.SPDXVersion != "SPDX-2.3" || doc.DataLicense != "CC0-1.0" || doc.SPDXIdentifier != "DOCUMENT" || doc.DocumentName == "" {
		t.Errorf("head: %q %q %q %q", doc.SPDXVersion, doc.DataLicense, doc.SPDXIdentifier, doc.DocumentName)
	}
	if !strings.HasPrefix(doc.DocumentNamespace, namespaces) || strings.ContainsAny(doc.DocumentNamespace, "# ") {
		t.Errorf("namespace %q", doc.DocumentNamespace)
	}
	if c := doc.CreationInfo; len(c.Creators) == 0 || !timeValue.MatchString(c.Created) {
		t.Errorf("creation: %+v", c)
	}
	if raw[len(raw)-1] != '\n' {
		t.Error("the document does not end in a newline")
	}
	checkElements(t, raw, doc)
	again := &bytes.Buffer{}
	if err := spdxjson.Write(doc, again, spdxjson.EscapeHTML(false)); err != nil {
		t.Fatal(err)
	}
	second, err := spdxjson.Read(again)
	if err != nil || len(second.Packages) != len(doc.Packages) || len(second.Relationships) != len(doc.Relationships) {
		t.Errorf("written again by the library it is another document: %v", err)
	}
	return doc
}

// checkElements looks at the JSON itself, too: the library forgives.
func checkElements(t testing.TB, raw []byte, doc *spdx.Document) {
	t.Helper()
	var plain struct {
		Packages []map[string]any
		Files    []map[string]any
	}
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	ids, owned := map[string]bool{"SPDXRef-DOCUMENT": true}, map[string]int{}
	licences := map[string]bool{}
	for _, l := range doc.OtherLicenses {
		licences[l.LicenseIdentifier] = l.ExtractedText != ""
	}
	for _, e := range append(plain.Packages, plain.Files...) {
		id, _ := e["SPDXID"].(string)
		if !spdxID.MatchString(id) || ids[id] {
			t.Errorf("identifier %q is used twice or not allowed", id)
		}
		ids[id] = true
	}
	for _, p := range doc.Packages {
		if p.PackageName == "" || p.PackageDownloadLocation == "" || p.PackageSupplier == nil || p.PackageLicenseDeclared == "" || p.PackageCopyrightText == "" {
			t.Errorf("package %+v lacks a field", p)
		}
		if p.FilesAnalyzed != (p.PackageVerificationCode != nil) {
			t.Errorf("%s: files analysed %t, code %v", p.PackageName, p.FilesAnalyzed, p.PackageVerificationCode)
		}
		if l := p.PackageLicenseDeclared; strings.HasPrefix(l, "LicenseRef-") && !licences[l] {
			t.Errorf("%s: the text of %s is missing", p.PackageName, l)
		}
		for _, r := range p.PackageExternalReferences {
			if _, err := packageurl.FromString(r.Locator); err != nil || r.Category != "PACKAGE-MANAGER" || r.RefType != "purl" {
				t.Errorf("%s: reference %+v, %v", p.PackageName, r, err)
			}
		}
	}
	for _, r := range doc.Relationships {
		from, to := "SPDXRef-"+string(r.RefA.ElementRefID), "SPDXRef-"+string(r.RefB.ElementRefID)
		if !ids[from] || !ids[to] {
			t.Errorf("%s %s %s leads nowhere", from, r.Relationship, to)
		}
		if r.Relationship == "CONTAINS" {
			owned[to]++
		}
	}
	for _, f := range doc.Files {
		id := "SPDXRef-" + string(f.FileSPDXIdentifier)
		if owned[id] != 1 {
			t.Errorf("%s belongs to %d packages", f.FileName, owned[id])
		}
		if len(f.Checksums) != 2 || f.Checksums[0].Algorithm != "SHA1" || !sums160.MatchString(f.Checksums[0].Value) || !strings.HasPrefix(f.FileName, "./") || f.FileCopyrightText == "" {
			t.Errorf("file %+v", f)
		}
	}
}

// schema compiles the schema of CycloneDX 1.6 that its Go module carries.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go on PATH to ask where CycloneDX's schema lies")
	}
	dir, err := exec.CommandContext(t.Context(), goTool, "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	folder := filepath.Join(strings.TrimSpace(string(dir)), "schema")
	if _, statErr := os.Stat(folder); err != nil || statErr != nil {
		t.Fatalf("CycloneDX's schema is not in its module, with which this test was built: %v, %v", err, statErr)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, file := range map[string]string{
		"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		f, err := os.Open(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		content, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		if err := c.AddResource("http://cyclonedx.org/schema/"+name, content); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkCycloneDX validates a document, reads it with CycloneDX's own library, and
// checks that all references lead somewhere.
func checkCycloneDX(t testing.TB, s *jsonschema.Schema, raw []byte) *cdx.BOM {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(instance); err != nil {
		t.Errorf("against the schema: %v", err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(raw), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	again, err := encodeCycloneDX(&bom)
	if err != nil || !bytes.Equal(again, raw) {
		t.Errorf("read and written by the library it is another document: %v", err)
	}
	refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
	eachComponent(*bom.Components, func(c cdx.Component) {
		if c.BOMRef == "" || refs[c.BOMRef] {
			t.Errorf("the reference %q of %s is empty or used twice", c.BOMRef, c.Name)
		}
		refs[c.BOMRef] = true
	})
	for _, d := range *bom.Dependencies {
		if !refs[d.Ref] {
			t.Errorf("a dependency of %q, which is nothing", d.Ref)
		}
		if d.Dependencies == nil {
			continue
		}
		for _, to := range *d.Dependencies {
			if !refs[to] {
				t.Errorf("%q depends on %q, which is nothing", d.Ref, to)
			}
		}
	}
	return &bom
}

func eachComponent(list []cdx.Component, do func(cdx.Component)) {
	for _, c := range list {
		do(c)
		if c.Components != nil {
			eachComponent(*c.Components, do)
		}
	}
}
