package cli

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"": 0, "0": 0, "0MB": 0, "50MB": 50_000_000, "50mb": 50_000_000, " 64 MiB ": 64 << 20, "1GB": 1_000_000_000, "2gib": 2 << 30,
		"5000000": 5_000_000, "1048576": 1 << 20, "2000kB": 2_000_000, "1024KiB": 1 << 20,
		"1": -1, "1000kB": -1, "50M": -1, "MB": -1, "-5MB": -1, "5.5MB": -1, "0x50MB": -1, "50TB": -1, "50 MB each": -1, "five": -1,
		"9223372036854775808": -1, "9223372036854775807GB": -1, "+50MB": 50_000_000,
	} {
		got, err := parseSize(text)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func FuzzSizes(f *testing.F) {
	for _, text := range []string{"50MB", "64 MiB", "9223372036854775807GiB", "-1", "1e6MB", "\xffMB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseSize(text)
		if err == nil && n != 0 && n < minChunk || err != nil && n != 0 {
			t.Errorf("parseSize(%q) = %d, %v", text, n, err)
		}
	})
}

// given parses arguments and variables, as a command with all the flags does.
func given(t *testing.T, p Process, args ...string) (flow.NetworkOptions, flow.Deps, error) {
	t.Helper()
	var n networkFlags
	var o flow.NetworkOptions
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	addNetworkFlags(flags, &n)
	addPullFlags(flags, &n)
	addPushFlags(flags, &n)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := p.applyEnvironment(flags); err != nil {
		t.Fatal(err)
	}
	a := &app{Process: p, log: newLogger(new(strings.Builder), "text", slog.LevelInfo)}
	deps, err := a.networkDeps(&n, &o)
	return o, deps, err
}

func TestNetworkFlags(t *testing.T) {
	t.Parallel()
	environ := []string{
		"DOTNET_CONTAINER_INSECURE_REGISTRIES= a.example.com:5000 ,b.example.com;;", "SDK_CONTAINER_INSECURE_REGISTRIES=c.example.com,http://d.example.com",
		"NANOBUILD_REGISTRY_MAP=a=b\nc=d", "NANOBUILD_UPLOAD_CHUNK_SIZE=64MiB",
	}
	got, _, err := given(t, Process{Environ: environ}, "--insecure", "x.example.com", "--insecure", "y.example.com:80", "--skip-push-check")
	if err != nil {
		t.Fatal(err)
	}
	want := flow.NetworkOptions{
		Insecure:  []string{"x.example.com", "y.example.com:80", "c.example.com", "a.example.com:5000", "b.example.com"},
		ChunkSize: 64 << 20, SkipPushCheck: true, RegistryMap: []string{"a=b", "c=d"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("options %+v, want %+v", got, want)
	}
}

func TestNetworkFlagsThatAreWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text.pem"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"chunk":            {[]string{"--upload-chunk-size", "50 cows"}, "--upload-chunk-size"},
		"skip verify":      {[]string{"--insecure-skip-tls-verify", "https://r.example.com/x"}, "--insecure-skip-tls-verify r.example.com"},
		"insecure":         {[]string{"--insecure", "http://r.example.com"}, "--insecure r.example.com"},
		"no file":          {[]string{"--ca-file", "nowhere.pem"}, filepath.Join(dir, "nowhere.pem")},
		"no authority":     {[]string{"--ca-file", "text.pem"}, "PEM"},
		"no registry map":  {[]string{"--registry-map", "mcr.microsoft.com"}, "registry-map"},
		"several at fault": {[]string{"--ca-file", "text.pem", "--ca-file", "nowhere.pem"}, "text.pem"},
	} {
		got := runIn(t.Context(), t, dir, nil, append([]string{"publish", "--repo", "r.example.com/app"}, c.args...)...)
		if got.code != exitUsage || !strings.Contains(got.stderr, c.want) {
			t.Errorf("%s: exit code %d, %q; want %q", name, got.code, got.stderr, c.want)
		}
	}
	for command, unknown := range map[string][]string{
		"login": {"--upload-chunk-size", "--skip-push-check", "--registry-map"}, "inspect": {"--upload-chunk-size", "--skip-push-check"},
	} {
		for _, flag := range unknown {
			if got := runIn(t.Context(), t, dir, nil, command, "r.example.com", flag+"=1"); got.code != exitUsage || !strings.Contains(got.stderr, "unknown flag") {
				t.Errorf("%s %s: exit code %d, %q", command, flag, got.code, got.stderr)
			}
		}
	}
}

func TestHostsAreCompared(t *testing.T) {
	t.Parallel()
	is := isOneOf([]string{"R.example.com", "s.example.com:443", "t.example.com:5000"})
	for host, want := range map[string]bool{
		"r.example.com": true, "r.EXAMPLE.com:443": true, "s.example.com": true, "t.example.com:5000": true,
		"t.example.com": false, "r.example.com:444": false, "": false,
	} {
		if is(host) != want {
			t.Errorf("%s: %v", host, is(host))
		}
	}
}

func TestFoldersOfCertificates(t *testing.T) {
	t.Parallel()
	dirs := Process{Home: filepath.Join("home", "me"), Environ: []string{`ProgramData=C:\ProgramData`}}.certsDirs()
	if !slices.Contains(dirs, filepath.Join("home", "me", ".docker", "certs.d")) || len(dirs) < 3 {
		t.Errorf("folders: %q", dirs)
	}
}

// The transport of the operating system's process is what the flags change.
func TestTransportOfTheProcess(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]*http.Transport{"none": nil, "ours": Process{}.newTransport()} {
		if _, deps, err := given(t, Process{Transport: base}); err != nil || deps.Transport == nil || deps.Secrets == nil {
			t.Errorf("%s: %v, %v", name, deps.Transport, err)
		}
	}
}
