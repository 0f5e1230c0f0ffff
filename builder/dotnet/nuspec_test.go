package dotnet

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manifestOf writes the nuspec of a package with that metadata.
func manifestOf(metadata string) string {
	return "\uFEFF" + `<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata><id>P</id>` + metadata + `</metadata></package>`
}

// described is what a package says of itself, whose folder has those files.
func described(t *testing.T, files map[string]string) (Package, []string) {
	t.Helper()
	list := newPackageList(&Result{Name: "App"}, &dependencies{})
	p := list.add(NuGetPackage, "P", "1.0.0")
	list.folders[p] = packageFolder{path: "p/1.0.0"}
	placed := map[string]string{"secret.txt": "planted"}
	for name, text := range files {
		placed["nuget/p/1.0.0/"+name] = text
	}
	dir := write(t, placed)
	if err := os.Symlink(filepath.Join(dir, "secret.txt"), filepath.Join(dir, "nuget", "p", "1.0.0", "link.txt")); err != nil && len(files) > 0 {
		t.Skip("no links here: ", err)
	}
	list.describe(p, packageFolders{filepath.Join(dir, "none"), filepath.Join(dir, "nuget")})
	return *p, list.notices
}

func TestDescribePackage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		metadata string
		want     Manifest
	}{
		"expression": {`<authors> A,
			B </authors><license type="expression">MIT</license><licenseUrl>https://licenses.nuget.org/MIT</licenseUrl><copyright>© A &amp; B</copyright>
			<projectUrl>https://p.example</projectUrl><repository type="git" url="https://git.example/p" commit="abc"/>`,
			Manifest{
				Authors: "A, B", Copyright: "© A & B", ProjectURL: "https://p.example", License: License{Expression: "MIT"},
				Repository: Repository{Type: "git", URL: "https://git.example/p", Commit: "abc"},
			}},
		"file":       {`<license type="file">docs\LICENSE.txt</license><licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>`, Manifest{License: License{Text: "the terms\n"}}},
		"address":    {`<licenseUrl>https://p.example/license</licenseUrl>`, Manifest{License: License{URL: "https://p.example/license"}}},
		"deprecated": {`<licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>`, Manifest{}},
		"nothing":    {``, Manifest{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, notices := described(t, map[string]string{"p.nuspec": manifestOf(c.metadata), "docs/LICENSE.txt": "\uFEFFthe terms\n"})
			if diff := cmp.Diff(c.want, p.Manifest); diff != "" || len(notices) > 0 {
				t.Errorf("%s\nnotices %q", diff, notices)
			}
		})
	}
}

// TestHostilePackages has manifests that are broken, too large, or lead out of the
// package: each is a notice that names the package, and nothing else is read.
func TestHostilePackages(t *testing.T) {
	t.Parallel()
	license := func(file string) string {
		return manifestOf(`<authors>A</authors><license type="file">` + file + `</license>`)
	}
	for name, files := range map[string]map[string]string{
		"no manifest":         {"readme.md": ""},
		"no XML":              {"p.nuspec": "{}"},
		"cut off":             {"p.nuspec": "<package><metadata>"},
		"entity of its own":   {"p.nuspec": `<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "yyyy">]><package><metadata><authors>&x;&y;</authors></metadata></package>`},
		"too large":           {"p.nuspec": manifestOf("<authors>" + strings.Repeat("a", largestNuspec) + "</authors>")},
		"deep":                {"p.nuspec": "<package>" + strings.Repeat("<a>", 100000)},
		"licence outside":     {"p.nuspec": license("../../../secret.txt")},
		"licence outside, \\": {"p.nuspec": license(`..\..\..\secret.txt`)},
		"absolute licence":    {"p.nuspec": license("/etc/passwd")},
		"licence by a link":   {"p.nuspec": license("link.txt")},
		"licence is a folder": {"p.nuspec": license("docs"), "docs/x": ""},
		"licence too large":   {"p.nuspec": license("l.txt"), "l.txt": strings.Repeat("a", largestLicense+1)},
		"no licence":          {"p.nuspec": license("l.txt")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, notices := described(t, files)
			if len(notices) != 1 || !strings.Contains(notices[0], "P 1.0.0") || strings.Count(notices[0], "\n") > 0 {
				t.Errorf("notices %q", notices)
			}
			if p.License != (License{}) || strings.Contains(p.Authors, "root:") {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestContentHash(t *testing.T) {
	t.Parallel()
	content, whole := bytes.Repeat([]byte{1}, 64), bytes.Repeat([]byte{2}, 64)
	metadata := `{"version":2,"contentHash":"` + base64.StdEncoding.EncodeToString(content) + `","source":"https://user:planted@feed.example"}`
	sum := base64.StdEncoding.EncodeToString(whole) + "\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  []byte
	}{
		"written down":       {map[string]string{".nupkg.metadata": metadata, "p.1.0.0.nupkg.sha512": sum}, content},
		"unsigned":           {map[string]string{"p.1.0.0.nupkg.sha512": sum}, whole},
		"signed":             {map[string]string{"p.1.0.0.nupkg.sha512": sum, ".signature.p7s": "x"}, nil},
		"another algorithm":  {map[string]string{".nupkg.metadata": `{"contentHash":"AAAA"}`}, nil},
		"nothing":            {map[string]string{"p.nuspec": manifestOf("")}, nil},
		"nothing but digits": {map[string]string{"p.1.0.0.nupkg.sha512": "0123"}, nil},
	} {
		c.files["p.nuspec"] = manifestOf("")
		if p, _ := described(t, c.files); !bytes.Equal(p.SHA512, c.want) {
			t.Errorf("%s: %x, want %x", name, p.SHA512, c.want)
		}
	}
}

func TestLineShortens(t *testing.T) {
	t.Parallel()
	if got := line(" a\n\tb\xff "); got != "a b" {
		t.Errorf("%q", got)
	}
	if got := line(strings.Repeat("é", largestField)); len(got) > largestField || !strings.HasPrefix(got, "é") || strings.Contains(got, "\uFFFD") {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzParseNuspec(f *testing.F) {
	f.Add([]byte(manifestOf(`<authors>A</authors><license type="file">l.txt</license><repository url="x"/>`)))
	f.Add([]byte(`<!DOCTYPE x [<!ENTITY a "b">]><package>&a;</package>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := parseNuspec(raw)
		if err != nil {
			return
		}
		m, file := n.manifest()
		for _, value := range []string{m.Authors, m.Copyright, m.ProjectURL, m.License.Expression, m.License.URL, m.Repository.URL} {
			if len(value) > largestField || strings.ContainsAny(value, "\n\r\t") {
				t.Errorf("value %q", value)
			}
		}
		if file != "" && m.License != (License{}) {
			t.Errorf("a licence in a file and %+v", m.License)
		}
	})
}
