//go:build linux

package main_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// playCrane publishes a folder of PE files with an empty cache, and appends the
// same files with crane to the same base. The base is in the target's registry
// and the repositories are new each round, so that both mount it.
func (c *comparison) playCrane(t *testing.T) {
	crane := buildCrane(t)
	dir, files, bytes := portableExecutables(t, c.plain.published(helloApp))
	archive := filepath.Join(t.TempDir(), "app.tar")
	if err := writeTar(archive, dir); err != nil {
		t.Fatal(err)
	}
	p := registryProxy(t)
	pushBig(t, p, c.bigBase)
	base, err := name.NewTag(p.host + baseRepo)
	if err != nil {
		t.Fatal(err)
	}
	only := base.Context().Tag(bigOnly).String()

	tools := []tool{
		{site: c.ours.site, run: func(t testing.TB, s site, o order) result {
			return run(t, s.dir, s.env(), "publish", dir, "--base", only, "--repo", p.host+"/"+o.repo)
		}},
		{site: site{filepath.Join(filepath.Dir(c.ours.dir), "crane")}, run: func(t testing.TB, _ site, o order) result {
			cmd := exec.CommandContext(t.Context(), crane, "append", "-f", archive, "-b", only, "-t", p.host+"/"+o.repo)
			cmd.Env = append(cleanEnvironment(t), "GOMAXPROCS=2")
			return finish(t, cmd)
		}},
	}
	times, sent, peak := [2][]time.Duration{}, [2][]int64{}, [2][]int64{}
	for round := range c.rounds {
		for i, tl := range tools {
			tl.forget(t)
			shrink()
			tr := c.publish(t, tl, order{world{p, p, only}, nil, fmt.Sprintf("folder/%d", round)})
			times[i] = append(times[i], tr.wall)
			sent[i] = append(sent[i], tr.target.blobBytes())
			peak[i] = append(peak[i], tr.peak())
		}
	}
	c.table.section(fmt.Sprintf("cold folder of %d PE files, %s, against crane append (its tar made beforehand)", files, size(bytes)))
	c.table.add(
		ratioRow("  whole run", median(times[0]), median(times[1]), 0.25),
		bytesRow("  bytes of blobs uploaded", median(sent[0]), median(sent[1]), noLimit),
		row{what: "  peak memory", ours: mebibytes(median(peak[0])), rival: mebibytes(median(peak[1]))},
	)
}

// buildCrane builds crane from the module that nanobuild uses, in the same version.
func buildCrane(t testing.TB) string {
	t.Helper()
	const library = "github.com/google/go-containerregistry"
	version, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", library).Output()
	if err != nil {
		t.Fatalf("the version of %s: %v", library, err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "install", library+"/cmd/crane@"+strings.TrimSpace(string(version)))
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("no crane to compare with: %v\n%s", err, out)
	}
	return filepath.Join(dir, "crane")
}

// portableExecutables copies the programs and libraries of a publish folder.
func portableExecutables(t testing.TB, from string) (dir string, files int, bytes int64) {
	t.Helper()
	dir = t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".dll" && ext != ".exe" {
			continue
		}
		n, err := copyFile(filepath.Join(dir, e.Name()), filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files, bytes = files+1, bytes+n
	}
	return dir, files, bytes
}

func copyFile(to, from string) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, in)
	return n, errors.Join(err, out.Close())
}

// writeTar writes the files of a flat folder below app/. Crane itself moves them to
// where Windows layers have files.
func writeTar(file, dir string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(out)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(&tar.Header{Name: "app/" + e.Name(), Size: info.Size(), Mode: 0o644}); err != nil {
			return err
		}
		in, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		_, err = io.Copy(tw, in)
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), out.Close())
}
