package main_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// TestTargetFromProject lets the project say where its image goes: registry with
// scheme and path, repository from the assembly's name, tags of which one is empty.
func TestTargetFromProject(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	registry := need.StartRegistry(t)
	dir := writeProject(t, console(`
    <AssemblyName>My Company.API</AssemblyName>
    <ContainerRegistry>http://`+registry+`/team/</ContainerRegistry>
    <ContainerImageTags>$(VersionOfATool);1.0;latest</ContainerImageTags>`, ""))
	r := ok(t, dir, nil, "publish", "--base", ociBase(t))
	repo := registry + "/team/my-company-api"
	if got := r.lines(); len(got) != 1 || !strings.HasPrefix(got[0], repo+"@sha256:") {
		t.Fatalf("stdout = %q, want an image in %s", r.stdout, repo)
	}
	wantTags(t, repo, "1.0", "latest")
	if !strings.Contains(r.stderr, "warning: ") || !strings.Contains(r.stderr, "-t") {
		t.Errorf("stderr warns of no empty tag, or names no -t:\n%s", r.stderr)
	}

	// The same list on the command line, where MSBuild would split it.
	r = ok(t, dir, nil, "publish", "--base", ociBase(t), "-p", "ContainerImageTags=2.0;2.1", "-p", "ContainerRepository="+registry+"/other")
	repo = registry + "/team/other"
	if got := r.lines(); len(got) != 1 || !strings.HasPrefix(got[0], repo+"@sha256:") {
		t.Fatalf("stdout = %q, want an image in %s", r.stdout, repo)
	}
	wantTags(t, repo, "2.0", "2.1")

	r = run(t, dir, nil, "publish", "--base", ociBase(t), "-p", "AssemblyName=日本")
	if r.code != 2 || !strings.Contains(r.stderr, "日本") || !strings.Contains(r.stderr, "--repo") {
		t.Errorf("a name that no repository can have: %s", r)
	}
}

func wantTags(t *testing.T, repo string, want ...string) {
	t.Helper()
	ref, err := name.NewRepository(repo)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.List(ref)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("tags of %s are %q, want %q", repo, got, want)
	}
}

// TestArchiveFromProject has the project ask for an archive in a folder: it is
// compressed, named after the repository, and other clients read it.
func TestArchiveFromProject(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	dir := writeProject(t, console(`
    <ContainerRepository>team/tool</ContainerRepository>
    <ContainerImageTag>v7</ContainerImageTag>
    <ContainerArchiveOutputPath>images/</ContainerArchiveOutputPath>`, ""))
	r := ok(t, dir, nil, "publish", "--base", ociBase(t))
	file, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(r.stdout), "tar:"), "@")
	if !strings.HasPrefix(r.stdout, "tar:") || !strings.HasPrefix(file, filepath.Join(dir, "images")+string(filepath.Separator)) || filepath.Base(file) != "tool.tar.gz" {
		t.Fatalf("stdout = %q", r.stdout)
	}
	archive := decompress(t, file)
	if got, want := repoTags(t, archive), "team/tool:v7"; got != want {
		t.Errorf("the archive is called %q, want %q", got, want)
	}
	var config map[string]any
	if err := json.Unmarshal(skopeo(t, "inspect", "--config", "--raw", "docker-archive:"+archive), &config); err != nil || config["os"] != "windows" {
		t.Errorf("skopeo reads %v, %v", config["os"], err)
	}
}

// decompress writes what a .gz file holds into a file of its own.
func decompress(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s is not compressed: %v", file, err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "plain.tar"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, z); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Name()
}

// repoTags is the name that a docker archive gives its image.
func repoTags(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for archive := tar.NewReader(f); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("%s holds no manifest.json", file)
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != "manifest.json" {
			continue
		}
		var images []struct{ RepoTags []string }
		if err := json.NewDecoder(archive).Decode(&images); err != nil || len(images) != 1 {
			t.Fatalf("manifest.json: %v %v", images, err)
		}
		return strings.Join(images[0].RepoTags, " ")
	}
}

// TestDefaultTarget publishes without saying where: the layout in bin.
func TestDefaultTarget(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	dir := writeProject(t, console("", ""))
	r := ok(t, dir, nil, "publish", "--base", ociBase(t))
	if got, want := layoutOf(t, strings.TrimSpace(r.stdout)), filepath.Join(dir, "bin", "nanobuild"); got != want {
		t.Errorf("layout %s, want %s", got, want)
	}
	if !strings.Contains(r.stderr, filepath.Join("bin", "nanobuild")) {
		t.Errorf("stderr does not say where:\n%s", r.stderr)
	}
}

// TestPrivateFeed restores from a feed that wants credentials.
func TestPrivateFeed(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer feed.Close()
	dir := writeProject(t, console("", `<ItemGroup><PackageReference Include="Company.Private" Version="1.0.0" /></ItemGroup>`)+`
-- NuGet.config --
<configuration><packageSources><clear /><add key="private" value="`+feed.URL+`/v3/index.json" allowInsecureConnections="true" /></packageSources></configuration>
`)
	r := run(t, dir, nil, "publish", "--base", ociBase(t))
	if r.code != 3 || !strings.Contains(r.stderr, "NU1301") || !strings.Contains(r.stderr, "VSS_NUGET_EXTERNAL_FEED_ENDPOINTS") {
		t.Errorf("want exit code 3, NU1301 and its remedy: %s", r)
	}
}

// TestGitHubAnnotations shows a compiler's error as GitHub's pages want it, with
// the file relative to the working directory, and stdout stays empty.
func TestGitHubAnnotations(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	dir := writeProject(t, strings.Replace(console("", ""), `"runs on .NET "`, `nothing`, 1))
	r := run(t, filepath.Dir(dir), []string{"GITHUB_ACTIONS=true"}, "publish", "src", "--base", ociBase(t))
	if want := "::error file=src/Program.cs,line=1,"; r.code != 3 || strings.Count(r.stderr, want) != 1 || r.stdout != "" {
		t.Errorf("want exit code 3 and once %q: %s", want, r)
	}
}

// TestLabels publishes from a repository: the labels name it without its
// password, and the time of the image is the commit's.
func TestLabels(t *testing.T) {
	t.Parallel()
	needDotnet(t)
	dir := writeProject(t, console("<Version>1.2.3</Version><ContainerLicenseExpression>MIT</ContainerLicenseExpression>", ""))
	gitRepository(t, dir)
	c, _ := imageIn(t, layoutOf(t, publishLayout(t, dir, ".").lines()[0]))
	if got := c.Created.UTC().Format("2006-01-02T15:04:05Z"); got != "2026-09-01T10:00:00Z" {
		t.Errorf("created %s", got)
	}
	for key, want := range map[string]string{
		"org.opencontainers.image.created":  "2026-09-01T10:00:00Z",
		"org.opencontainers.image.source":   "https://example.com/shop/web",
		"org.opencontainers.image.version":  "1.2.3",
		"org.opencontainers.image.licenses": "MIT",
	} {
		if got := c.Config.Labels[key]; got != want {
			t.Errorf("label %s = %q, want %q", key, got, want)
		}
	}
	if revision := c.Config.Labels["org.opencontainers.image.revision"]; len(revision) != 40 {
		t.Errorf("revision %q", revision)
	}
	writeFile(t, filepath.Join(dir, "Program.cs"), `System.Console.WriteLine("changed");`)
	c, _ = imageIn(t, layoutOf(t, publishLayout(t, dir, ".").lines()[0]))
	if revision := c.Config.Labels["org.opencontainers.image.revision"]; !strings.HasSuffix(revision, "-dirty") {
		t.Errorf("revision of a changed folder: %q", revision)
	}
}
