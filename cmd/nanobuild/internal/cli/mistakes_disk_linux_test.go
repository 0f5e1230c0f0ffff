package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/authority"
)

// smallDisks tells the child of TestDiskFull that it may mount.
const smallDisks = "NANOBUILD_TEST_SMALL_DISKS"

// TestDiskFull runs itself in a process that may mount file systems of a few kilobytes
// without being root, where the system lets it: user_namespaces(7).
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Getenv(smallDisks) != "" {
		a := authority.New(t)
		for _, m := range diskMistakes() {
			t.Run(m.name, func(t *testing.T) { m.check(t, a) })
		}
		return
	}
	args := []string{"-test.run=^TestDiskFull$"}
	if *update {
		args = append(args, "-update")
	}
	child := exec.CommandContext(t.Context(), os.Args[0], args...)
	child.Env = append(os.Environ(), smallDisks+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	child.Stdout, child.Stderr = out, out
	if err := child.Start(); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	if err := child.Wait(); err != nil {
		t.Errorf("%v\n%s", err, read(t, out.Name()))
	}
}

func diskMistakes() []mistake {
	local := []string{"publish", "app", "--base", "oci:base"}
	onto := func(more ...string) []string { return append(append([]string{}, local...), more...) }
	return []mistake{
		{name: diskMistake + "-layout", code: exitPush, names: []string{"no space left"}, args: onto("--oci-layout", "out"), plan: func(t *testing.T, s *scene) {
			mountSmall(t, filepath.Join(s.dir, "out"))
		}},
		{name: diskMistake + "-tarball", code: exitPush, names: []string{"no space left", "web.tar"}, args: onto("--tarball", "out/web.tar"), plan: func(t *testing.T, s *scene) {
			mountSmall(t, filepath.Join(s.dir, "out"))
		}},
		{name: diskMistake + "-temp", code: exitOther, names: []string{"no space left"}, args: onto("--repo", webRepo, "--layers", "single"), plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, s.working())
			mountSmall(t, s.temp)
		}},
	}
}

// mountSmall makes dir the root of a file system that is full after a few kilobytes.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=8k"); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}
