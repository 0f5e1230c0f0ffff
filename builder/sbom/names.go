package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/package-url/packageurl-go"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// idCharacters are those that SPDX allows in identifiers:
// https://spdx.github.io/spdx-spec/v2.3/package-information/#72-package-spdx-identifier-field
const idCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

// names gives out identifiers, each once.
type names map[string]bool

// unique returns the name, with a number behind it if it is taken.
func (n names) unique(want string) string {
	id := want
	for i := 2; n[id]; i++ {
		id = want + "-" + strconv.Itoa(i)
	}
	n[id] = true
	return id
}

// spdxID returns an unused identifier that shows the words, as far as its alphabet
// goes.
func (n names) spdxID(words ...string) string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return n.unique(strings.Map(func(r rune) rune {
		if strings.ContainsRune(idCharacters, r) {
			return r
		}
		return '-'
	}, strings.Join(kept, "-")))
}

// contentUUID makes a UUID from the content of a document, version 8 of RFC 9562:
// https://www.rfc-editor.org/rfc/rfc9562#section-5.8
func contentUUID(content []byte) string {
	sum := sha256.Sum256(content)
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// packagePURL is the package URL of a package that NuGet knows, else "":
// https://github.com/package-url/purl-spec/blob/main/types-doc/nuget-definition.md
func packagePURL(p dotnet.Package) string {
	if p.Kind != dotnet.NuGetPackage && p.Kind != dotnet.RuntimePack {
		return ""
	}
	return packageurl.NewPackageURL(packageurl.TypeNuget, "", p.Name, p.Version, nil, "").ToString()
}

// genericPURL is the package URL of what is in no registry of packages.
func genericPURL(name, version string) string {
	return packageurl.NewPackageURL(packageurl.TypeGeneric, "", name, version, nil, "").ToString()
}

// baseImage is a base in the words of the documents.
type baseImage struct {
	name    string // such as "mcr.microsoft.com/windows/nanoserver"
	version string // of its Windows, such as "10.0.20348.4171"
	digest  string // of the manifest, hexadecimal SHA-256
	purl    string // "" for a base that lies in a file of the machine that built the image
}

// describeBase takes the name that the user asked for, not the mirror it came from: the
// digest is the same.
func describeBase(b *base.Base) baseImage {
	out := baseImage{name: "base image", version: b.OSVersion, digest: b.Digest.Hex}
	ref, err := name.ParseReference(b.Name)
	if b.Local() || err != nil {
		return out
	}
	repository := ref.Context()
	out.name = repository.Name()
	qualifiers := map[string]string{"repository_url": repository.Name()}
	if tag, ok := ref.(name.Tag); ok {
		qualifiers["tag"] = tag.TagStr()
	}
	path := repository.RepositoryStr()
	out.purl = packageurl.NewPackageURL(packageurl.TypeOCI, "", strings.ToLower(path[strings.LastIndexByte(path, '/')+1:]),
		b.Digest.String(), packageurl.QualifiersFromMap(qualifiers), "").ToString()
	return out
}

// webAddress returns an address as both formats take it, without a password; "" for
// what a browser would not open.
func webAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return ""
	}
	u.User = nil
	return u.String()
}
