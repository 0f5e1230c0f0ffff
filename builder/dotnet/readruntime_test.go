package dotnet_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/nanobuild/nanobuild/builder/dotnet"
)

func TestReadRuntime(t *testing.T) {
	t.Parallel()
	ofSDK, err := os.ReadFile(filepath.Join("testdata", "webapi.runtimeconfig.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content, version string
		selfContained    bool
	}{
		"of the SDK":        {string(ofSDK), "10.0.12", true},
		"with a mark":       {"\uFEFF" + string(ofSDK), "10.0.12", true},
		"one framework":     {`{"runtimeOptions":{"tfm":"net8.0","framework":{"name":"Microsoft.NETCore.App","version":"8.0.0"}}}`, "8.0.0", false},
		"web first":         {`{"runtimeOptions":{"tfm":"net8.0","frameworks":[{"name":"Microsoft.AspNetCore.App","version":"8.0.1"},{"name":"Microsoft.NETCore.App","version":"8.0.0"}]}}`, "8.0.0", false},
		"web alone":         {`{"runtimeOptions":{"tfm":"net8.0","framework":{"name":"Microsoft.AspNetCore.App","version":"8.0.1"}}}`, "8.0.1", false},
		"no framework":      {`{"runtimeOptions":{"tfm":"net9.0"}}`, "net9.0", false},
		"somebody else's":   {`{"runtimeOptions":{"tfm":"net9.0","framework":{"name":"Other","version":"3.0"}}}`, "net9.0", false},
		"without a version": {`{"runtimeOptions":{"tfm":"net9.0","framework":{"name":"Microsoft.NETCore.App"}}}`, "net9.0", false},
	} {
		got, err := dotnet.ReadRuntime(strings.NewReader(c.content))
		if err != nil || got.Version() != c.version || got.SelfContained != c.selfContained {
			t.Errorf("%s: %+v, %q, %v; want %q", name, got, got.Version(), err, c.version)
		}
	}
	for name, content := range map[string]string{
		"nothing": "", "no JSON": "{", "a list": "[]", "too much": strings.Repeat(" ", 1<<20) + "{}",
	} {
		if got, err := dotnet.ReadRuntime(strings.NewReader(content)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	broken := errors.New("broken")
	if _, err := dotnet.ReadRuntime(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error = %v, want the reader's", err)
	}
}
