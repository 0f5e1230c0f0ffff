package main_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/nanobuild/nanobuild"

// source is one Go file that is no test, whatever system it is built for.
type source struct {
	name  string // slash path below the module's root
	lines int
	file  *ast.File
	fset  *token.FileSet
}

// sourceFiles parses every Go file of the module that is no test.
func sourceFiles(t *testing.T) []source {
	t.Helper()
	root := moduleRoot(t)
	var files []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && p != root && (strings.HasPrefix(base, ".") || base == "testdata" && p != filepath.Join(root, "testdata")) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f, err := parseSource(filepath.ToSlash(rel), text)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parseSource(name string, text []byte) (source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
	return source{name: name, lines: bytes.Count(text, []byte("\n")), file: file, fset: fset}, err
}

// problems lists what in the file breaks a rule.
func (s source) problems() []string {
	dir := path.Dir(s.name)
	if room(dir) == "testdata" {
		return nil // helpers of tests
	}
	var found []string
	for _, part := range strings.Split(dir, "/") {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "misc", "pkg"}, part) {
			found = append(found, s.name+": a package called "+part+" says nothing")
		}
	}
	imports := s.imports()
	for _, name := range sortedKeys(imports) {
		if reason := importProblem(dir, imports[name]); reason != "" {
			found = append(found, fmt.Sprintf("%s imports %s: %s", s.name, imports[name], reason))
		}
	}
	return append(found, s.callProblems(dir, imports)...)
}

// imports maps the name by which a file calls an imported package to its path.
func (s source) imports() map[string]string {
	m := map[string]string{}
	for _, spec := range s.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "_" || name == "." {
			name += p // any number of these may stand in a file
		}
		m[name] = p
	}
	return m
}

// importProblem says why a package in the folder dir must not import p, or "".
func importProblem(dir, p string) string {
	if dep, ours := strings.CutPrefix(p, module+"/"); ours {
		return directionProblem(dir, dep)
	}
	switch {
	case p == "os/exec" && !under(dir, "builder/dotnet", "builder/git", "publish/sign"):
		return "only builder/dotnet, builder/git and publish/sign start programs"
	case (under(p, "github.com/sigstore")) && !under(dir, "publish/sign"):
		return "only publish/sign imports sigstore"
	case p == "path/filepath" && under(dir, "layers") && !under(dir, "layers/cache"):
		return "paths in an image are slash paths: use path"
	case under(p, "github.com/spf13") && !under(dir, "cmd/nanobuild/internal/cli"):
		return "only the command line knows of flags"
	case p == "testing":
		return "only tests import testing"
	case p == "io/ioutil":
		return "not in this module"
	}
	return ""
}

// directionProblem says why the package in dir must not import another one of
// this module: cmd → builder, publish, layers; builder → layers.
func directionProblem(dir, dep string) string {
	from, to := room(dir), room(dep)
	allowed := map[string][]string{
		"cmd":     {"cmd", "builder", "publish", "layers"},
		"builder": {"builder", "layers"},
		"layers":  {"layers"},
		"publish": {"publish"},
	}
	switch {
	case to == "testdata":
		return "only tests use testdata"
	case !slices.Contains(allowed[from], to):
		return from + " must not know " + to
	case under(dir, "cmd/nanobuild/internal/flow") && under(dep, "cmd/nanobuild/internal/cli"):
		return "use cases know no command line"
	}
	return ""
}

// forbidden are the names that only the command may use, by import path: there
// the clock, the environment and the machine's folders come in.
var forbidden = map[string][]string{
	"time": {"Now", "Since", "Until"},
	"os": {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "UserCacheDir", "UserConfigDir", "UserHomeDir", "TempDir",
		"Getwd", "Stdout", "Stderr", "Stdin", "Exit"},
	"syscall":  {"Getenv", "Environ"},
	"net/http": {"ProxyFromEnvironment", "DefaultTransport", "DefaultClient", "Get", "Head", "Post", "PostForm"},
	"github.com/google/go-containerregistry/pkg/authn":     {"DefaultKeychain"},
	"github.com/google/go-containerregistry/pkg/v1/remote": {"DefaultTransport"},
}

// callProblems lists the uses of forbidden names below the command.
func (s source) callProblems(dir string, imports map[string]string) []string {
	if room(dir) == "cmd" {
		return nil
	}
	var found []string
	for name, p := range imports {
		if strings.HasPrefix(name, ".") && forbidden[p] != nil {
			found = append(found, s.name+": imports "+p+" with a dot")
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(forbidden[imports[x.Name]], n.Sel.Name) {
				found = append(found, fmt.Sprintf("%s: %s.%s: only cmd may, and hands it down", s.fset.Position(n.Pos()), x.Name, n.Sel.Name))
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) > 0 && imports[fmt.Sprint(f.X)] == "os" &&
				(f.Sel.Name == "CreateTemp" || f.Sel.Name == "MkdirTemp") && emptyString(n.Args[0]) {
				found = append(found, fmt.Sprintf("%s: os.%s in the machine's folder: cmd hands one down", s.fset.Position(n.Pos()), f.Sel.Name))
			}
		}
		return true
	})
	slices.Sort(found)
	return found
}

func emptyString(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Kind == token.STRING && len(lit.Value) == 2
}

// room is the first segment of a path: the part of the module it belongs to.
func room(dir string) string { return strings.SplitN(dir, "/", 2)[0] }

// under reports whether p is one of the paths or below it.
func under(p string, paths ...string) bool {
	return slices.ContainsFunc(paths, func(q string) bool { return p == q || strings.HasPrefix(p, q+"/") })
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestRulesBite shows that each rule finds what it is for.
func TestRulesBite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file, body string
		want       string // part of the only problem; "" for none
	}{
		"builder may use layers":    {"builder/x.go", `import "` + module + `/layers"; var _ layers.Entry`, ""},
		"layers not builder":        {"layers/x.go", `import "` + module + `/builder"; var _ = builder.X`, "layers must not know builder"},
		"layers not publish":        {"layers/lint/x.go", `import "` + module + `/publish"; var _ = publish.X`, "layers must not know publish"},
		"publish not layers":        {"publish/x.go", `import "` + module + `/layers"; var _ = layers.X`, "publish must not know layers"},
		"publish not builder":       {"publish/sign/x.go", `import "` + module + `/builder/git"; var _ = git.X`, "publish must not know builder"},
		"builder not publish":       {"builder/x.go", `import _ "` + module + `/publish"`, "builder must not know publish"},
		"builder not cmd":           {"builder/x.go", `import _ "` + module + `/cmd/nanobuild/internal/cli"`, "builder must not know cmd"},
		"unknown room":              {"util/x.go", `import _ "` + module + `/layers"`, "says nothing"},
		"nothing from testdata":     {"cmd/nanobuild/internal/flow/x.go", `import _ "` + module + `/testdata/need"`, "only tests use testdata"},
		"flow not cli":              {"cmd/nanobuild/internal/flow/x.go", `import _ "` + module + `/cmd/nanobuild/internal/cli"`, "know no command line"},
		"flow no flags":             {"cmd/nanobuild/internal/flow/x.go", `import _ "github.com/spf13/pflag"`, "knows of flags"},
		"cli flags":                 {"cmd/nanobuild/internal/cli/x.go", `import _ "github.com/spf13/pflag"`, ""},
		"exec in dotnet":            {"builder/dotnet/x.go", `import "os/exec"; var _ exec.Cmd`, ""},
		"exec elsewhere":            {"builder/base/x.go", `import "os/exec"; var _ exec.Cmd`, "start programs"},
		"exec in cmd":               {"cmd/nanobuild/main.go", `import "os/exec"; var _ exec.Cmd`, "start programs"},
		"sigstore":                  {"publish/x.go", `import _ "github.com/sigstore/sigstore/pkg/signature"`, "only publish/sign"},
		"filepath in layers":        {"layers/plan.go", `import "path/filepath"; var _ = filepath.Join`, "use path"},
		"filepath in cache":         {"layers/cache/x.go", `import "path/filepath"; var _ = filepath.Join`, ""},
		"clock":                     {"layers/x.go", `import "time"; var t = time.Now()`, "time.Now: only cmd"},
		"clock as a value":          {"layers/x.go", `import "time"; var now = time.Now`, "time.Now: only cmd"},
		"clock by another name":     {"layers/x.go", `import clock "time"; var t = clock.Now()`, "clock.Now: only cmd"},
		"clock with a dot":          {"layers/x.go", `import . "time"; var t = Now()`, "with a dot"},
		"a field called Now":        {"layers/x.go", `type c struct { Now int }; var time c; var x = time.Now`, ""},
		"timers are fine":           {"publish/x.go", `import "time"; var t = time.NewTimer(time.Second)`, ""},
		"clock in cmd":              {"cmd/nanobuild/internal/cli/x.go", `import "time"; var t = time.Now()`, ""},
		"environment":               {"builder/git/x.go", `import "os"; var v = os.Getenv("X")`, "os.Getenv: only cmd"},
		"whole environment":         {"builder/dotnet/x.go", `import "os"; var v = os.Environ()`, "os.Environ: only cmd"},
		"looked up":                 {"publish/x.go", `import "os"; func f() { os.LookupEnv("X") }`, "os.LookupEnv: only cmd"},
		"cache folder":              {"layers/cache/x.go", `import "os"; func f() { os.UserCacheDir() }`, "os.UserCacheDir: only cmd"},
		"temp folder":               {"builder/x.go", `import "os"; var d = os.TempDir()`, "os.TempDir: only cmd"},
		"temp file in the default":  {"builder/x.go", `import "os"; func f() { os.CreateTemp("", "x") }`, "cmd hands one down"},
		"temp file in a given one":  {"builder/x.go", `import "os"; func f(d string) { os.CreateTemp(d, "x") }`, ""},
		"proxy":                     {"publish/x.go", `import "net/http"; var p = http.ProxyFromEnvironment`, "http.ProxyFromEnvironment: only cmd"},
		"keychain":                  {"publish/x.go", `import "github.com/google/go-containerregistry/pkg/authn"; var k = authn.DefaultKeychain`, "authn.DefaultKeychain: only cmd"},
		"transport of the registry": {"publish/x.go", `import "github.com/google/go-containerregistry/pkg/v1/remote"; var k = remote.DefaultTransport`, "remote.DefaultTransport: only cmd"},
		"testdata is for tests":     {"testdata/need/need.go", `import "os/exec"; var _ exec.Cmd`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parseSource(tt.file, []byte("package x\n"+tt.body+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			got := s.problems()
			if tt.want == "" && len(got) > 0 {
				t.Errorf("problems = %q, want none", got)
			}
			if tt.want != "" && (len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), tt.want)) {
				t.Errorf("problems = %q, want %q", got, tt.want)
			}
		})
	}
}
