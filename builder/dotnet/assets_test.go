package dotnet

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shopAssets is an excerpt of what NuGet wrote down for the sample Shop.Web.
func shopAssets(t testing.TB) *assetsFile {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "shop.assets.json"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := parseAssets(raw)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAddAssets(t *testing.T) {
	t.Parallel()
	r := &Result{Name: "Shop.Web", Properties: map[string]string{"TargetFramework": "net10.0"}}
	list := newPackageList(r, &dependencies{})
	list.addAssets(shopAssets(t))
	inv := list.inventory(nil)
	type short struct {
		Name, Version string
		Direct        bool
		Dependencies  string
	}
	var got []short
	for _, p := range inv.Packages {
		got = append(got, short{p.Name, p.Version, p.Direct, strings.Join(p.Dependencies, " ")})
		if p.BuildOnly || (p.Kind == NuGetPackage) != (len(p.SHA512) == 64) {
			t.Errorf("%+v", p)
		}
	}
	want := []short{
		{"Shop.Web", "", false, "Shop.Store Shop.Texts"},
		{"Shop.Store", "1.0.0", true, "Microsoft.Data.Sqlite"}, {"Shop.Texts", "1.0.0", true, ""},
		{"Microsoft.Data.Sqlite", "10.0.15", false, "Microsoft.Data.Sqlite.Core SQLitePCLRaw.core"},
		{"Microsoft.Data.Sqlite.Core", "10.0.15", false, "SQLitePCLRaw.core"}, {"SQLitePCLRaw.core", "2.1.13", false, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPickFramework(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ keys, framework, suffix, want string }{
		{"net10.0 net10.0/win-x64", "net10.0", "/win-x64", "net10.0/win-x64"},
		{"net10.0 net10.0/win-x64", "net10.0", "", "net10.0"},
		{"net8.0/win-x64 net10.0/win-x64", "net8.0", "/win-x64", "net8.0/win-x64"},
		{"net10.0-windows7.0/win-x64 net10.0/win-x64", "net10.0-windows", "/win-x64", "net10.0-windows7.0/win-x64"},
		{"net10.0-windows7.0 net10.0", "net10.0", "", "net10.0"},
		{".NETCoreApp,Version=v3.1/win-x64 .NETCoreApp,Version=v3.1", "netcoreapp3.1", "/win-x64", ".NETCoreApp,Version=v3.1/win-x64"},
		{"net10.0/linux-x64", "net10.0", "/win-x64", ""},
		{"net8.0 net9.0", "net10.0", "", ""},
		{"", "net10.0", "", ""},
	} {
		if got := pickFramework(slices.Values(strings.Fields(c.keys)), c.framework, c.suffix); got != c.want {
			t.Errorf("%q of %q is %q, want %q", c.framework+c.suffix, c.keys, got, c.want)
		}
	}
}

// TestBuildOnly has packages that bring nothing, alone and as holders of others.
func TestBuildOnly(t *testing.T) {
	t.Parallel()
	a, err := parseAssets([]byte(`{"targets":{"net10.0":{
		"Lib/1":{"type":"package","runtime":{"lib/net10.0/Lib.dll":{}}},
		"Native/1":{"type":"package","runtimeTargets":{"runtimes/win-x64/native/n.dll":{}}},
		"Meta/1":{"type":"package","dependencies":{"Inner":"1"},"runtime":{"lib/net10.0/_._":{}}},
		"Inner/1":{"type":"package","dependencies":{"lib":"1"}},
		"Analyzer/1":{"type":"package","dependencies":{"Tool":"1"},"build":{"build/x.props":{}}},
		"Tool/1":{"type":"package","dependencies":{"Analyzer":"1","Gone":"1"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	list := newPackageList(&Result{Name: "App"}, &dependencies{})
	list.addAssets(a)
	var got []string
	for _, p := range list.inventory(nil).Packages {
		if p.BuildOnly {
			got = append(got, p.Name)
		}
	}
	if want := []string{"Analyzer", "Tool"}; !slices.Equal(got, want) {
		t.Errorf("for the build only: %q, want %q", got, want)
	}
}

func TestReadAssets(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"bad.json": "{", "other.json": `{"targets":{"x":[]}}`})
	for name, want := range map[string]string{"": "", filepath.Join(dir, "none.json"): "", filepath.Join(dir, "bad.json"): "bad.json", filepath.Join(dir, "other.json"): "other.json", dir: "not a regular file"} {
		a, err := readAssets(name)
		if want == "" {
			if err != nil || len(a.Targets) > 0 {
				t.Errorf("%q: %+v, %v", name, a, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", name, err, want)
		}
	}
	large := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, largestAssets+1); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	if _, err := readAssets(large); err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("error %v", err)
	}
}

func FuzzParseAssets(f *testing.F) {
	f.Add(written(f, "shop.assets.json"))
	f.Add([]byte(`{"targets":{"a/win-x64":{"/":{},"x/1/2":{"type":"project","dependencies":{"x":null}}}},"libraries":{"x/1/2":{"sha512":"?","msbuildProject":"../../x"}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := parseAssets(raw)
		if err != nil {
			return
		}
		r := &Result{Name: "App", ProjectDir: filepath.FromSlash("/src/App"), Properties: map[string]string{"TargetFramework": "net10.0"}}
		list := newPackageList(r, &dependencies{})
		list.addAssets(a)
		checkInventory(t, list.inventory(a))
	})
}

// checkInventory holds for whatever was read.
func checkInventory(t *testing.T, inv *Inventory) {
	t.Helper()
	names := map[string]bool{}
	for _, p := range inv.Packages {
		key := listKey(p.Kind, p.Name)
		if names[key] || p.Name == "" || p.SHA512 != nil && len(p.SHA512) != 64 {
			t.Errorf("%+v", p)
		}
		names[key] = true
	}
	for _, p := range inv.Packages {
		for _, d := range p.Dependencies {
			if !names[listKey(ProjectPackage, d)] && !names[listKey(NuGetPackage, d)] && !names[listKey(RuntimePack, d)] {
				t.Errorf("%s depends on %q, which is not there", p.Name, d)
			}
		}
	}
	for _, owner := range slices.Collect(maps.Values(inv.Owners)) {
		if owner < 0 || owner >= len(inv.Packages) {
			t.Errorf("owner %d of %d packages", owner, len(inv.Packages))
		}
	}
}
