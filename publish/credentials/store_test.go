package credentials

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	docker "github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-cmp/cmp"
)

func storeIn(t *testing.T) Store {
	t.Helper()
	home := t.TempDir()
	return Store{File: filepath.Join(home, ".docker", "config.json"), Home: home}
}

func save(t *testing.T, s Store, host, user, password string) Where {
	t.Helper()
	where, err := s.Save(t.Context(), Login{Host: host, User: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// dockerReads is what Docker's own code finds in a file.
func dockerReads(t *testing.T, file string) map[string]types.AuthConfig {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := docker.LoadFromReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return c.AuthConfigs
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSaveIsReadByDockerAndUs(t *testing.T) {
	t.Parallel()
	s := storeIn(t)
	if where := save(t, s, "docker.io", "hub", "pässword:1"); where.String() != "in "+filepath.Join("~", ".docker", "config.json") {
		t.Errorf("stored %s", where)
	}
	save(t, s, "R.io:5000", "me", "<pass>")
	save(t, s, "r.io", "<token>", "id")
	save(t, s, "R.io:5000", "me", "changed")
	want := map[string]types.AuthConfig{
		"https://index.docker.io/v1/": {Username: "hub", Password: "pässword:1", ServerAddress: "https://index.docker.io/v1/"},
		"r.io:5000":                   {Username: "me", Password: "changed", ServerAddress: "r.io:5000"},
		"r.io":                        {IdentityToken: "id", ServerAddress: "r.io"},
	}
	if diff := cmp.Diff(want, dockerReads(t, s.File)); diff != "" {
		t.Error(diff)
	}
	k := New(Options{Home: s.Home})
	for host, user := range map[string]string{"index.docker.io": "hub", "r.io:5000": "me"} {
		if got := configFor(t, k, host).Username; got != user {
			t.Errorf("%s: user %q, want %q", host, got, user)
		}
	}
	if got := configFor(t, k, "r.io").IdentityToken; got != "id" {
		t.Errorf("identity token %q", got)
	}
	onlyOurs(t, filepath.Dir(s.File), 0o700)
	onlyOurs(t, s.File, 0o600)
}

// onlyOurs checks the mode of a file, where files have one.
func onlyOurs(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
		t.Errorf("mode of %s = %o, want %o", path, got, want)
	}
}

// keptFile is a config as Docker's command line writes it, with keys that only
// Docker knows, numbers that no float holds, and an order of its own.
const keptFile = `{
	"psFormat": "table {{.ID}}\t<b>",
	"big": 12345678901234567890.10,
	"auths": {
		"z.io": {
			"auth": "YTpi",
			"email": "me@example.com"
		},
		"a.io": {}
	},
	"HttpHeaders": {},
	"plugins": {
		"x-cli-hints": {
			"enabled": "tr\u0075e"
		}
	}
}`

func TestSaveKeepsTheRest(t *testing.T) {
	t.Parallel()
	s := storeIn(t)
	writeFile(t, s.File, keptFile)
	save(t, s, "m.io", "a", "b")
	want := strings.Replace(keptFile, `"a.io": {}`, "\"a.io\": {},\n\t\t\"m.io\": {\n\t\t\t\"auth\": \"YTpi\"\n\t\t}", 1)
	if diff := cmp.Diff(want, readText(t, s.File)); diff != "" {
		t.Error(diff)
	}
	if where, err := s.Remove(t.Context(), "m.io"); err != nil || where.File == "" {
		t.Errorf("remove: %s, %v", where, err)
	}
	if diff := cmp.Diff(keptFile, readText(t, s.File)); diff != "" {
		t.Error(diff)
	}
}

func TestSaveIntoFiles(t *testing.T) {
	t.Parallel()
	auth := "{\n\t\t\"r.io\": {\n\t\t\t\"auth\": \"YTpi\"\n\t\t}\n\t}"
	for what, c := range map[string]struct {
		text, want string // want is "" where the file is refused
		says       string
	}{
		"empty":            {"", "{\n\t\"auths\": " + auth + "\n}", ""},
		"byte order mark":  {"\xef\xbb\xbf{}", "{\n\t\"auths\": " + auth + "\n}", ""},
		"no auths":         {`{"x": 1}`, "{\n\t\"x\": 1,\n\t\"auths\": " + auth + "\n}", ""},
		"null":             {`{"auths": null}`, "{\n\t\"auths\": " + auth + "\n}", ""},
		"the same already": {`{"auths": {"r.io": {"auth":"YTpi"}}, "x":1}`, `{"auths": {"r.io": {"auth":"YTpi"}}, "x":1}`, ""},
		"broken":           {"{\"auths\": {\n", "", "is no JSON"},
		"more behind":      {`{} {}`, "", "is no JSON"},
		"list":             {`[]`, "", "is no JSON"},
		"auths twice":      {`{"auths": {}, "auths": {"q.io": {}}}`, "", `"auths" twice`},
		"other capitals":   {`{"Auths": {"q.io": {}}}`, "", `"Auths"`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := storeIn(t)
			writeFile(t, s.File, c.text)
			_, err := s.Save(t.Context(), Login{"r.io", "a", "b"})
			failed := new(StoreError)
			switch {
			case c.want == "" && (!errors.As(err, &failed) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "config.json")):
				t.Errorf("error = %v, want %q and the file in it", err, c.says)
			case c.want == "":
				c.want = c.text
			case err != nil:
				t.Error(err)
			}
			if diff := cmp.Diff(c.want, readText(t, s.File)); diff != "" {
				t.Error(diff)
			}
			noLeftovers(t, s)
		})
	}
}

// noLeftovers checks that only the file and its lock are in the folder.
func noLeftovers(t *testing.T, s Store) {
	t.Helper()
	found, err := os.ReadDir(filepath.Dir(s.File))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		if n := e.Name(); n != "config.json" && n != "config.json.lock" {
			t.Errorf("%s is left", n)
		}
	}
}

func TestParallelLogins(t *testing.T) {
	t.Parallel()
	s := storeIn(t)
	const n = 20
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			l := Login{Host: fmt.Sprintf("r%d.io", i), User: "me", Password: fmt.Sprint("secret ", i)}
			if _, err := s.Save(t.Context(), l); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	found := dockerReads(t, s.File)
	for i := range n {
		host := fmt.Sprintf("r%d.io", i)
		if got := found[host].Password; got != fmt.Sprint("secret ", i) {
			t.Errorf("%s: password %q", host, got)
		}
	}
	noLeftovers(t, s)
}

func TestModesAndLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has neither these modes nor links for everybody")
	}
	for what, c := range map[string]struct{ before, after os.FileMode }{
		"wide is narrowed": {0o644, 0o600}, "own is kept": {0o600, 0o600}, "narrow is kept": {0o400, 0o400},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := storeIn(t)
			target := filepath.Join(t.TempDir(), "kept", "real.json")
			writeFile(t, target, "{}")
			if err := os.Chmod(target, c.before); err != nil {
				t.Fatal(err)
			}
			link(t, target, s.File)
			save(t, s, "r.io", "a", "b")
			onlyOurs(t, target, c.after)
			stillALink(t, s.File)
			if len(dockerReads(t, target)) != 1 {
				t.Error("the target of the link has no entry")
			}
		})
	}
	t.Run("target is missing", func(t *testing.T) {
		t.Parallel()
		s := storeIn(t)
		link(t, filepath.Join("..", "new", "config.json"), s.File)
		save(t, s, "r.io", "a", "b")
		stillALink(t, s.File)
		onlyOurs(t, filepath.Join(s.Home, "new", "config.json"), 0o600)
	})
	t.Run("loop", func(t *testing.T) {
		t.Parallel()
		s := storeIn(t)
		link(t, s.File, s.File)
		if _, err := s.Save(t.Context(), Login{"r.io", "a", "b"}); err == nil {
			t.Error("a link to itself was written to")
		}
	})
}

func link(t *testing.T, target, path string) {
	t.Helper()
	mkdir(t, filepath.Dir(path))
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func stillALink(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("%s is no link any more: %v", path, err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	hub := `"https://index.docker.io/v1/": {"auth": "YTpi"}, "docker.io": {"auth": "YTpi"}`
	for what, c := range map[string]struct {
		auths, host string
		where       bool
		left        []string
	}{
		"plain":       {`"r.io": {"auth": "YTpi"}, "q.io": {"auth": "YTpi"}`, "r.io", true, []string{"q.io"}},
		"spellings":   {`"https://r.io/v2/": {"auth": "YTpi"}, "R.io:443": {"auth": "YTpi"}`, "r.io", true, nil},
		"Docker Hub":  {hub, "docker.io", true, nil},
		"paths stay":  {`"r.io": {"auth": "YTpi"}, "r.io/a": {"auth": "YTpi"}`, "r.io", true, []string{"r.io/a"}},
		"unknown":     {`"q.io": {"auth": "YTpi"}`, "r.io", false, []string{"q.io"}},
		"empty entry": {`"r.io": {}`, "r.io", false, nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := storeIn(t)
			writeFile(t, s.File, `{"auths": {`+c.auths+`}}`)
			where, err := s.Remove(t.Context(), c.host)
			if err != nil || (where != Where{}) != c.where {
				t.Errorf("were %s, %v", where, err)
			}
			found := dockerReads(t, s.File)
			if len(found) != len(c.left) {
				t.Errorf("left: %v, want %q", found, c.left)
			}
			for _, k := range c.left {
				if _, ok := found[k]; !ok {
					t.Errorf("%s is gone", k)
				}
			}
		})
	}
}

func TestRemoveMakesNoFiles(t *testing.T) {
	t.Parallel()
	s := storeIn(t)
	if where, err := s.Remove(t.Context(), "r.io"); where != (Where{}) || err != nil {
		t.Errorf("%s, %v", where, err)
	}
	if _, err := os.Stat(filepath.Dir(s.File)); !os.IsNotExist(err) {
		t.Errorf("a folder was made: %v", err)
	}
}
