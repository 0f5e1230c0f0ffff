package builder

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/layers"
)

func FuzzEditConfig(f *testing.F) {
	f.Add([]byte(`{"config":{"Env":null},"rootfs":{"diff_ids":["sha256:aa"]},"history":[{}],"x":{"y":[1.0]}}`))
	f.Add([]byte(`{"config":null,"rootfs":{"diff_ids":["x"],"diff_ids":["y"]},"history":[{"empty_layer":true}]}`))
	f.Add([]byte(`{"a":1,"A":2,"\u0061":3}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, _, err := editConfig(raw, testEdit())
		if err != nil {
			return
		}
		var before, after map[string]json.RawMessage
		if err := json.Unmarshal(raw, &before); err != nil {
			t.Fatalf("%q is no JSON, yet was edited: %v", raw, err)
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q became %q: %v", raw, out, err)
		}
		for key, value := range before {
			switch key {
			case "created", "config", "rootfs", "history":
				continue
			}
			if !bytes.Equal(after[key], value) {
				t.Errorf("key %q was %s, became %s", key, value, after[key])
			}
		}
		if got := fullHistory(t, after["history"]); got != 2 {
			t.Errorf("%q: the history of %q stands for %d layers, not for the base's and ours", raw, out, got)
		}
	})
}

// fullHistory counts the entries that stand for a layer.
func fullHistory(t *testing.T, raw []byte) int {
	t.Helper()
	var entries []map[string]any
	if err := json.Unmarshal(raw, &entries); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e["empty_layer"] != true {
			n++
		}
	}
	return n
}

func FuzzReadBaseConfig(f *testing.F) {
	f.Add([]byte(`{"os":"windows","config":{"User":"u","Env":["A=1","a=2","=","B"],"Entrypoint":null,"Cmd":["x"]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readBaseConfig(raw)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range writeEnv(readEnv(c.Config.Env)) {
			name, value, ok := strings.Cut(e, "=")
			if !ok || name == "" || value == "" {
				t.Errorf("%q became the variable %q", raw, e)
			}
			for other := range seen {
				if strings.EqualFold(other, name) {
					t.Errorf("%q has %q and %q", raw, other, name)
				}
			}
			seen[name] = true
		}
	})
}

func FuzzParseSettings(f *testing.F) {
	f.Add([]byte("{ // c\n \"Urls\": \"http://+:1\", /* x */ \"a\": [1, {\"b\": null,},], }"))
	f.Add([]byte("\xFF\xFE{\x00}\x00"))
	f.Add([]byte(`{"a":"\"//","b":"/*"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		values, err := parseSettings(raw)
		var plain map[string]any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if dec.Decode(&plain) == nil {
			want := map[string]string{}
			flatten(want, "", plain)
			// Of keys that differ in case only, either may win.
			if err != nil || len(want) == len(values) && uniqueFold(plain) && !reflect.DeepEqual(want, values) {
				t.Errorf("plain JSON %q: %v, want %v (%v)", raw, values, want, err)
			}
		}
		w := &Web{files: []settings{{name: "f", values: values}}}
		w.address(nil, nil, []string{"80/tcp"})
		w.certificateWarning(nil, nil, containerUser)
	})
}

// uniqueFold reports whether flattening is not ambiguous.
func uniqueFold(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		seen := map[string]bool{}
		for k, child := range v {
			lower := strings.ToLower(k)
			if seen[lower] || strings.Contains(k, ":") || !uniqueFold(child) {
				return false
			}
			seen[lower] = true
		}
	case []any:
		for _, child := range v {
			if !uniqueFold(child) {
				return false
			}
		}
	}
	return true
}

func FuzzParsePort(f *testing.F) {
	for _, s := range []string{"8080", "53/udp", "80/TCP", "0", "65536", "-1", "", "/", "00080"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePort("--port", s)
		if err != nil {
			return
		}
		if again, err := parsePort("--port", p); err != nil || again != p {
			t.Errorf("%q gives %q, which gives %q, %v", s, p, again, err)
		}
	})
}

func FuzzParseEnv(f *testing.F) {
	f.Add("A=1", "a=2")
	f.Add("ProgramFiles(x86)=x", "B==")
	f.Fuzz(func(t *testing.T, a, b string) {
		vars, err := parseEnv([]string{a, b})
		if err != nil {
			return
		}
		for _, e := range writeEnv(vars) {
			if e != a && e != b {
				t.Errorf("%q and %q became %q", a, b, e)
			}
		}
		if !reflect.DeepEqual(readEnv(writeEnv(vars)), vars) {
			t.Errorf("%q does not survive", vars)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"http://+:80", "https://[::1]:443/x", "http://unix:/x", "http://", "x", "http://[::]", "http://a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, a := range parseAddresses(s) {
			if a.port < 0 || a.port > 65535 {
				t.Errorf("%q has the port %d", s, a.port)
			}
		}
	})
}

func FuzzResolveClock(f *testing.F) {
	for _, s := range []string{"1789000000", "2026-11-25T12:00:00Z", "2026-11-25t12:00:00+23:59", "-1", "1e9", " 1", "253402300799", "9999-12-31T23:59:59.999Z", ""} {
		f.Add(s, s, int64(5))
	}
	f.Fuzz(func(t *testing.T, created, epoch string, commit int64) {
		clock, err := ResolveClock(created, epoch, &commit)
		if err != nil {
			return
		}
		if clock.Seconds < 0 || clock.Seconds > maxSeconds || !clock.Known && clock.Seconds != 0 {
			t.Fatalf("%q, %q: %+v", created, epoch, clock)
		}
		if !clock.Known {
			return
		}
		for _, written := range []string{strconv.FormatInt(clock.Seconds, 10), clock.Created().Format(time.RFC3339)} {
			if again, err := ResolveClock(written, "", nil); err != nil || again != clock {
				t.Errorf("%q gives %+v, and that written as %q %+v, %v", created, clock, written, again, err)
			}
		}
	})
}

// FuzzOverrides gives the values of flags: what is accepted makes a valid spec,
// and a folder in it is one that layers take.
func FuzzOverrides(f *testing.F) {
	f.Add("A=1", "x=y", "8080", "ContainerUser", `C:\data`, `D:\`, "logs", `C:\app\App.exe`)
	f.Add("=", "a", "0/tcp", "a\x00", "/srv", "..", `C:\Windows`, "base")
	f.Add("a=", "=", "53/UDP", `.\me`, `C:`, `\\server\x`, `aux`, `"`)
	f.Fuzz(func(t *testing.T, env, label, port, user, workdir, appDir, writable, entrypoint string) {
		o := Overrides{
			Env: []string{env}, Labels: []string{label}, Annotations: []string{label}, Ports: []string{port}, User: user,
			Workdir: workdir, AppDir: appDir, Writable: []string{writable}, Entrypoint: []string{entrypoint}, Cmd: []string{env},
		}
		if o.Validate() != nil {
			return
		}
		c := configurer{o: o, app: &dotnet.Result{EntryPoint: "App.exe"}, spec: &Spec{}}
		for _, step := range []func() error{c.folders, c.variables, c.user, c.labels} {
			if err := step(); err != nil {
				t.Fatalf("Validate accepts %+v: %v", o, err)
			}
		}
		for _, dir := range append([]string{slashPath(c.spec.AppDir)}, c.spec.writable()...) {
			if err := layers.CheckDirName(dir); err != nil || layers.BaseOwned(dir) {
				t.Errorf("%+v has the folder %q: %v", o, dir, err)
			}
		}
		for _, v := range append(c.spec.Env, Var{"x", "y"}) {
			if v.Name == "" || v.Value == "" || strings.ContainsRune(v.Name+v.Value, 0) {
				t.Errorf("%+v has the variable %+v", o, v)
			}
		}
	})
}

// FuzzMembers edits JSON objects of few and of many members alike.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{},"a":[2]}`), "a", 0)
	f.Add([]byte(`{"":null,"\u0061":"x"}`), "a", 200)
	f.Fuzz(func(t *testing.T, raw []byte, key string, more int) {
		o, err := parseObject(raw)
		if err != nil {
			return
		}
		for i := range max(0, more) % 200 {
			o.set("more "+strconv.Itoa(i), json.RawMessage("0"))
		}
		o.drop(key)
		if o.get(key) != nil {
			t.Errorf("%q is still there", key)
		}
		before := len(o.members)
		o.set(key, json.RawMessage("1"))
		o.set(key, json.RawMessage("2"))
		if got := o.get(key); string(got) != "2" || len(o.members) != before+1 {
			t.Errorf("%q is %s, one of %d members", key, got, len(o.members)-before)
		}
		text, err := o.bytes()
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatalf("%q became %q: %v", raw, text, err)
		}
		if len(all) != len(o.members) && utf8.Valid(text) && utf8.Valid(raw) && utf8.ValidString(key) {
			t.Errorf("%q has %d members, want %d", text, len(all), len(o.members))
		}
	})
}

func FuzzFoldName(f *testing.F) {
	f.Add("PATH", "Path")
	f.Add("ſ", "S")
	f.Add("\xff", "\ufffd")
	f.Add("ǅ", "ǆ")
	f.Fuzz(func(t *testing.T, a, b string) {
		if got, want := foldName(a) == foldName(b), strings.EqualFold(a, b); got != want {
			t.Errorf("%q and %q are the same: %v, want %v", a, b, got, want)
		}
	})
}
