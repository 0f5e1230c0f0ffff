package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nanobuild/nanobuild/testdata/need"
)

// place is one of the surroundings in which the same source must give the same
// image: another folder of another depth, zone, umask, number of processors.
type place struct {
	folder, zone, umask, processors string
	modified                        time.Time // of the source files
}

var places = []place{
	{"a", "UTC", "022", "1", time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)},
	{"some/where/much deeper/b", "Asia/Kathmandu", "077", "4", time.Now().Truncate(time.Second)},
}

// TestReproducible publishes the same source in two surroundings, in a
// repository and outside of one: the references are the same.
func TestReproducible(t *testing.T) {
	t.Parallel()
	need.Dotnet(t)
	if runtime.GOOS == "windows" {
		t.Skip("sets a umask")
	}
	for _, inGit := range []bool{false, true} {
		name := map[bool]string{false: "without a repository", true: "in a repository"}[inGit]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needDotnet(t)
			for _, project := range []string{"shop/Shop.Web", "hello"} {
				var digests []string
				for _, p := range places {
					digests = append(digests, publishAt(t, p, project, inGit))
				}
				if digests[0] != digests[1] {
					t.Errorf("%s: %s in one place, %s in another", project, digests[0], digests[1])
				}
			}
		})
	}
}

// publishAt publishes a sample project in a place and returns its digest.
func publishAt(t *testing.T, p place, project string, inGit bool) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), filepath.FromSlash(p.folder))
	name := strings.SplitN(project, "/", 2)[0]
	copyTree(t, filepath.Join(moduleRoot(t), "testdata", name), filepath.Join(root, name))
	writeFile(t, filepath.Join(root, name, "paths.cs"), callerPath)
	if inGit {
		gitRepository(t, root)
	}
	for _, f := range tree(t, filepath.Join(root, name)) {
		if err := os.Chtimes(filepath.Join(root, name, f), p.modified, p.modified); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "image")
	cmd := command(t, root, []string{"TZ=" + p.zone, "GOMAXPROCS=" + p.processors},
		"publish", project, "--base", ociBase(t), "--oci-layout", out)
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Args = shell, append([]string{"sh", "-c", "umask " + p.umask + ` && exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	r := finish(t, cmd)
	if r.code != 0 || len(r.lines()) != 1 {
		t.Fatalf("publish %s in %s: %s", project, root, r)
	}
	_, digest, _ := strings.Cut(r.lines()[0], "@")
	return digest
}

// callerPath has the compiler write a source file's path into the program. It
// lies beside the projects of shop, so that only hello compiles it.
const callerPath = `
static class Paths
{
    public static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;
    public static string Me = Here();
}
`
