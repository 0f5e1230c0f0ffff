package dotnet

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on what is read of a package, in bytes.
const (
	largestNuspec  = 1 << 20
	largestLicense = 1 << 20
	largestField   = 4 << 10 // of one value of a manifest
)

// nuspec is the manifest of a package:
// https://learn.microsoft.com/nuget/reference/nuspec
type nuspec struct {
	Metadata struct {
		Authors   string `xml:"authors"`
		Copyright string `xml:"copyright"`
		License   struct {
			Type string `xml:"type,attr"` // "expression" or "file"
			Text string `xml:",chardata"`
		} `xml:"license"`
		LicenseURL string `xml:"licenseUrl"`
		ProjectURL string `xml:"projectUrl"`
		Repository struct {
			Type   string `xml:"type,attr"`
			URL    string `xml:"url,attr"`
			Commit string `xml:"commit,attr"`
		} `xml:"repository"`
	} `xml:"metadata"`
}

// parseNuspec reads a manifest. Go's reader knows no entities but XML's own five, and
// opens no other file.
func parseNuspec(raw []byte) (*nuspec, error) {
	var n nuspec
	if err := xml.NewDecoder(bytes.NewReader(trimBOM(raw))).Decode(&n); err != nil {
		return nil, err
	}
	return &n, nil
}

// deprecatedLicense is what NuGet writes as licenseUrl where the licence is a file.
const deprecatedLicense = "https://aka.ms/deprecateLicenseUrl"

// manifest returns what the nuspec says, but for the text of a licence's file, whose
// name in the package comes beside it.
func (n *nuspec) manifest() (m Manifest, licenseFile string) {
	d := n.Metadata
	m = Manifest{
		Authors: line(d.Authors), Copyright: line(d.Copyright), ProjectURL: line(d.ProjectURL),
		Repository: Repository{Type: line(d.Repository.Type), URL: line(d.Repository.URL), Commit: line(d.Repository.Commit)},
	}
	switch address := line(d.LicenseURL); {
	case strings.EqualFold(d.License.Type, "expression"):
		m.License.Expression = line(d.License.Text)
	case strings.EqualFold(d.License.Type, "file"):
		licenseFile = strings.ReplaceAll(strings.TrimSpace(d.License.Text), `\`, "/")
	case address != deprecatedLicense:
		m.License.URL = address
	}
	return m, licenseFile
}

// line makes one line of a value, and shortens what nobody meant to be a value.
func line(value string) string {
	value = strings.Join(strings.Fields(strings.ToValidUTF8(value, "")), " ")
	for len(value) > largestField {
		_, size := utf8.DecodeLastRuneInString(value)
		value = value[:len(value)-size]
	}
	return value
}

// packageFolders are where NuGet unpacks packages.
type packageFolders []string

func newPackageFolders(a *assetsFile, root string) packageFolders {
	folders := slices.Sorted(maps.Keys(a.PackageFolders))
	if root != "" && !slices.Contains(folders, root) {
		folders = append(folders, root)
	}
	return folders
}

// read reads a file of a package from the first folder that has it. A name that
// leads out of the folder is an error.
func (f packageFolders) read(in packageFolder, name string, most int64) ([]byte, error) {
	roots := []string(f)
	if in.root != "" {
		roots = []string{in.root}
	}
	err := fs.ErrNotExist
	for _, root := range roots {
		var raw []byte
		if raw, err = readRegular(root, filepath.FromSlash(path.Join(in.path, name)), most); err == nil {
			return raw, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, err
}

// describe reads what a package says of itself.
func (l *packageList) describe(p *Package, folders packageFolders) {
	in, ok := l.folders[p]
	if !ok || p.Kind != NuGetPackage && p.Kind != RuntimePack {
		return
	}
	if p.SHA512 == nil {
		p.SHA512 = folders.contentHash(in, p)
	}
	if err := folders.describe(in, p); err != nil {
		l.notices = append(l.notices, fmt.Sprintf("The licence and the authors of the package %s %s are not known: %v.", p.Name, p.Version, err))
	}
}

func (f packageFolders) describe(in packageFolder, p *Package) error {
	raw, err := f.read(in, strings.ToLower(p.Name)+".nuspec", largestNuspec)
	if errors.Is(err, fs.ErrNotExist) { // packs that came with the SDK keep their spelling
		raw, err = f.read(in, p.Name+".nuspec", largestNuspec)
	}
	if err != nil {
		return fmt.Errorf("read its manifest: %w", err)
	}
	n, err := parseNuspec(raw)
	if err != nil {
		return fmt.Errorf("read its manifest: %w", err)
	}
	var licenseFile string
	p.Manifest, licenseFile = n.manifest()
	if licenseFile == "" {
		return nil
	}
	text, err := f.read(in, licenseFile, largestLicense)
	if err != nil {
		return fmt.Errorf("read its licence: %w", err)
	}
	p.License.Text = strings.ToValidUTF8(string(trimBOM(text)), "\uFFFD")
	return nil
}

// contentHash is what NuGet wrote down when it unpacked the package. The checksum of
// the whole file is the same for packages without a signature, and for no others.
func (f packageFolders) contentHash(in packageFolder, p *Package) []byte {
	if raw, err := f.read(in, ".nupkg.metadata", largestNuspec); err == nil {
		var metadata struct {
			ContentHash string `json:"contentHash"`
		}
		if json.Unmarshal(trimBOM(raw), &metadata) == nil {
			return decodeSHA512(metadata.ContentHash)
		}
	}
	if _, err := f.read(in, ".signature.p7s", largestNuspec); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	raw, err := f.read(in, strings.ToLower(p.Name+"."+p.Version)+".nupkg.sha512", largestField)
	if err != nil {
		return nil
	}
	return decodeSHA512(string(raw))
}
