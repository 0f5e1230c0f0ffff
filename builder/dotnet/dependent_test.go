package dotnet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nanobuild/nanobuild/layers"
)

// TestPublishFrameworkDependent publishes samples without their .NET: no file of
// the runtime, the program all the same, and what it needs.
func TestPublishFrameworkDependent(t *testing.T) {
	netcore, aspnet := Framework{Name: "Microsoft.NETCore.App", Version: "10.0.0"}, Framework{Name: "Microsoft.AspNetCore.App", Version: "10.0.0"}
	for name, c := range map[string]struct {
		change func(*Request)
		want   []Framework
	}{
		"hello":  {func(r *Request) { r.SelfContained = new(false) }, []Framework{netcore}},
		"webapi": {func(r *Request) { r.Properties = []string{"selfcontained=False"} }, []Framework{netcore, aspnet}},
	} {
		req := request(t, sample(t, name))
		c.change(&req)
		result := publish(t, req)
		n := count(result)
		if n[layers.Runtime]+n[layers.Aspnet] > 0 || result.EntryPoint != name+".exe" {
			t.Errorf("%s: files by origin %v, entry point %q", name, n, result.EntryPoint)
		}
		if diff := cmp.Diff(Runtime{TFM: "net10.0", Frameworks: c.want}, result.Runtime); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		samePublishFolder(t, result)
	}
}

// TestPublishTrimmedFrameworkDependent: the SDK refuses it, and the message says
// what to change.
func TestPublishTrimmedFrameworkDependent(t *testing.T) {
	dir := write(t, map[string]string{"app.csproj": console("<PublishTrimmed>true</PublishTrimmed>", ""), "app.cs": consoleSource})
	req := request(t, dir)
	req.SelfContained = new(false)
	failed(t, req, "NETSDK1102", "-p PublishTrimmed=false")
}

func TestSelfContainedSwitch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked      *bool
		properties []string
		want       string
	}{
		"nothing said":       {nil, nil, " --self-contained "},
		"a flag":             {new(true), nil, " --self-contained "},
		"a flag against":     {new(false), nil, " --no-self-contained "},
		"a property":         {nil, []string{"SelfContained=TRUE"}, " --self-contained "},
		"a property against": {nil, []string{"SelfContained=false"}, " --no-self-contained "},
		"both":               {new(false), []string{"selfContained=False"}, " --no-self-contained "},
		"the last property":  {nil, []string{"SelfContained=false", "SelfContained=true"}, " --self-contained "},
	} {
		p, err := newPlan(Request{SelfContained: c.asked, Properties: c.properties}, Target{Kind: ProjectFile, File: "/a/a.csproj", Dir: "/a"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if line := strings.Join(p.args(), " "); !strings.Contains(line, c.want) || strings.Count(line, "self-contained") != 1 {
			t.Errorf("%s: %s", name, line)
		}
	}
}

// TestRollForwardIsRead: a framework's own policy goes before that of all.
func TestRollForwardIsRead(t *testing.T) {
	t.Parallel()
	got, err := ReadRuntime(strings.NewReader(`{"runtimeOptions":{"tfm":"net8.0","rollForward":"Major",
		"frameworks":[{"name":"A","version":"1.0.0"},{"name":"B","version":"2.0.0","rollForward":"Disable"}]}}`))
	want := Runtime{TFM: "net8.0", Frameworks: []Framework{{Name: "A", Version: "1.0.0", RollForward: "Major"}, {Name: "B", Version: "2.0.0", RollForward: "Disable"}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
