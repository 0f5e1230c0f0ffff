package main_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// recorder is a server that knows every request it got, and refuses them all.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
}

func newRecorder(t *testing.T) *recorder {
	rec := &recorder{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.requests = append(rec.requests, r.Method+" "+r.URL.Path)
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(rec.Close)
	return rec
}

func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// publishing are projects that push or deploy by themselves when they are
// published with dotnet. SERVER stands for the address, HOST for its host.
var publishing = map[string]string{
	"container profile": `
-- web.csproj --
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <PublishProfile>DefaultContainer</PublishProfile>
    <ContainerRegistry>HOST</ContainerRegistry>
    <ContainerBaseImage>HOST/base:1</ContainerBaseImage>
  </PropertyGroup>
</Project>
-- Program.cs --
WebApplication.Create(args).Run();
`,
	"zip deployment profile": `
-- web.csproj --
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <PublishProfile>Azure</PublishProfile>
  </PropertyGroup>
</Project>
-- Program.cs --
WebApplication.Create(args).Run();
-- Properties/PublishProfiles/Azure.pubxml --
<Project>
  <PropertyGroup>
    <WebPublishMethod>ZipDeploy</WebPublishMethod>
    <PublishProvider>AzureWebSite</PublishProvider>
    <PublishUrl>SERVER/</PublishUrl>
    <UserName>user</UserName>
    <Password>secret</Password>
  </PropertyGroup>
</Project>
`,
	"a target that pushes": console("<ContainerRegistry>HOST</ContainerRegistry><ContainerBaseImage>HOST/base:1</ContainerBaseImage>", `
  <Target Name="PushToo" AfterTargets="Publish"><CallTarget Targets="PublishContainer" /></Target>`),
}

// TestNothingElseIsPublished publishes projects that would deploy by themselves:
// the image comes from nanobuild, and nobody else is spoken to.
func TestNothingElseIsPublished(t *testing.T) {
	t.Parallel()
	need.Dotnet(t)
	for name, files := range publishing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needDotnet(t)
			rec := newRecorder(t)
			host := strings.TrimPrefix(rec.URL, "http://127.0.0.1")
			dir := writeProject(t, strings.NewReplacer("SERVER", rec.URL, "HOST", "localhost"+host).Replace(files))
			publishLayout(t, dir, ".")
			if seen := rec.seen(); len(seen) > 0 {
				t.Errorf("the project's own publishing ran: %q", seen)
			}
			// The control: dotnet alone does speak to it.
			cmd := exec.CommandContext(t.Context(), need.Dotnet(t), "publish", "-c", "Release", "-r", "win-x64", "--self-contained", "--disable-build-servers",
				"-o", filepath.Join(t.TempDir(), "out"))
			cmd.Dir = dir
			cmd.Env = append(cleanEnvironment(t), "MSBUILDDISABLENODEREUSE=1")
			out, _ := cmd.CombinedOutput() // whether it succeeds is its own affair
			if len(rec.seen()) == 0 {
				t.Errorf("dotnet publish alone does not publish elsewhere, so this test shows nothing:\n%s", out)
			}
		})
	}
}
