package sbom

import (
	"bytes"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

const commit = "4e13299d4b0ec96bd4df9954ef646bd2d1b5bf2a"

// nanoserver is a base with that build of Windows.
func nanoserver(name, version string) *base.Base {
	return &base.Base{
		Name: name, OSVersion: version,
		Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)},
	}
}

// shop is an application with a package of each kind and with all sorts of licences.
func shop() *dotnet.Inventory {
	return &dotnet.Inventory{
		Packages: []dotnet.Package{
			{Kind: dotnet.AppPackage, Name: "Shop.Web", Version: "1.4.2", Dependencies: []string{"Analyzer", "Microsoft.NETCore.App.Runtime.win-x64", "Shop.Store"}},
			{Kind: dotnet.ProjectPackage, Name: "Shop.Store", Version: "1.0.0", Direct: true, Dependencies: []string{"Polly", "Old"}},
			{Kind: dotnet.NuGetPackage, Name: "Analyzer", Version: "1.0.0", Direct: true, BuildOnly: true, Manifest: dotnet.Manifest{License: dotnet.License{Expression: "MIT AND"}}},
			{Kind: dotnet.NuGetPackage, Name: "Old", Version: "0.1.0-beta+x", Manifest: dotnet.Manifest{
				License: dotnet.License{URL: "https://user:planted@old.example/license"}, ProjectURL: "javascript:alert(1)", Authors: `A "quoted" <author>`,
			}},
			{Kind: dotnet.NuGetPackage, Name: "Polly", Version: "8.9.1", SHA512: bytes.Repeat([]byte{0xd9}, 64), Manifest: dotnet.Manifest{
				License: dotnet.License{Expression: "BSD-3-Clause OR (Apache-2.0 WITH LLVM-exception)"}, Authors: "Polly", Copyright: "© the authors",
				ProjectURL: "https://polly.example/", Repository: dotnet.Repository{Type: "git", URL: "https://github.com/App-vNext/Polly", Commit: commit},
			}},
			{Kind: dotnet.RuntimePack, Name: "Microsoft.NETCore.App.Runtime.win-x64", Version: "10.0.12", Manifest: dotnet.Manifest{License: dotnet.License{Text: "You may not\r\n\"copy\" this."}}},
		},
		Owners: map[string]int{"Shop.Web.exe": 0, "Shop.Store.dll": 1, "Polly.dll": 4, "coreclr.dll": 5, "de/Shop.Store.resources.dll": 1},
	}
}

// filesOf are files whose content is their name.
func filesOf(inv *dotnet.Inventory) []File {
	var files []File
	for name := range inv.Owners {
		files = append(files, File{
			Path: "app/" + name, Source: name,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(name)), nil },
		})
	}
	return files
}

func shopInput() Input {
	inv := shop()
	return Input{
		Name: "shop/web", Packages: inv, Files: filesOf(inv), Clock: layers.Clock{Seconds: 1789000000, Known: true},
		Source: Source{Repository: "https://user:planted@git.example/shop", Commit: commit},
	}
}

func document(t testing.TB, in Input) *Document {
	t.Helper()
	d, err := New(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// written is a document in both formats.
func written(t testing.TB, d *Document, c Contents) (spdx, cycloneDX []byte) {
	t.Helper()
	spdx, err := d.SPDX(c)
	if err != nil {
		t.Fatal(err)
	}
	if cycloneDX, err = d.CycloneDX(c); err != nil {
		t.Fatal(err)
	}
	return spdx, cycloneDX
}
