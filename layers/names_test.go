package layers

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	good := []string{
		"app/App.exe", "a", "ünï cöde/日本語.txt", "%20#;", "COM", "COM10.txt", "console.dll", "auxiliary", ".hidden", "a.wh.b", "LPT.9",
		strings.Repeat("n", 255), strings.Repeat("n", 245) + "/x", strings.Repeat("𝄞", 127), "a\x7f", "nul1",
	}
	bad := map[string]string{ // name to a part of the message
		"":                                     `the part ""`,
		"/a":                                   `the part ""`,
		"a//b":                                 `the part ""`,
		"a/":                                   `the part ""`,
		"./a":                                  `the part "."`,
		"a/../b":                               `the part ".."`,
		"a\\b":                                 `'\\'`,
		"a:b":                                  "':'",
		"what?":                                "'?'",
		"a*":                                   "'*'",
		"<a":                                   "'<'",
		"a>":                                   "'>'",
		`a"b`:                                  `'"'`,
		"a|b":                                  "'|'",
		"tab\there":                            `'\t'`,
		"nul\x00":                              `'\x00'`,
		"dot.":                                 "dot or space",
		"space ":                               "dot or space",
		"dir./x":                               "dot or space",
		"aux":                                  "device",
		"AuX.tar.gz":                           "device",
		"a/con/b":                              "device",
		"prn .txt":                             "device",
		"com0":                                 "device",
		"lpt9.dll":                             "device",
		"COM¹":                                 "device",
		"lpt².x":                               "device",
		"com³.x.y":                             "device",
		"conin$":                               "device",
		"CONOUT$.txt":                          "device",
		".wh.x":                                "deletion",
		".wh..wh..opq":                         "deletion",
		"a.$WcIdirs$":                          "importer",
		"\xff":                                 "UTF-8",
		strings.Repeat("n", 256):               "256 characters",
		strings.Repeat("𝄞", 128):               "256 characters",
		strings.Repeat("n", 246) + "/x":        "246 characters",
		strings.Repeat("1234567/", 50):         `the part ""`,
		strings.Repeat("1234567/", 5000):       "the path is",
		strings.Repeat("1234567/", 4096) + "x": "the path is",
	}
	for _, name := range good {
		if err := CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v, want nil", name, err)
		}
	}
	for name, want := range bad {
		var e *NameError
		if err := CheckName(name); !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Remedy == "" {
			t.Errorf("CheckName(%.40q) = %v, want a NameError with %q and a remedy", name, err, want)
		}
	}
}

func TestWindowsDir(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		`C:\app`: "app", `c:\app\`: "app", `C:/srv/My App`: "srv/My App", `C:\a\\b`: "a/b", `C:\windows app`: "windows app", `C:\app\Windows`: "app/Windows",
	}
	for in, want := range good {
		if got, err := WindowsDir(in); err != nil || got != want {
			t.Errorf("WindowsDir(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	bad := map[string]string{
		"": "absolute", "app": "absolute", "/app": "absolute", `\app`: "absolute", "C:": "absolute", "C:app": "absolute",
		`D:\app`: "drive C:", `\\server\share`: "network", `\\?\C:\app`: "network", `C:\`: "itself", `c:\\`: "itself",
		`C:\Windows`: "base image", `C:\WINDOWS\System32`: "base image", `c:\users\x`: "base image", `C:\Program Files`: "base image",
		`C:\Program Files (x86)\a`: "base image", `C:\program files (Arm)`: "base image", `C:\ProgramData`: "base image", `C:\PROGRA~1\x`: "base image",
		`C:\app\..\Windows`: `".."`, `C:\aux`: "device", `C:\app.`: "dot or space", `C:\a?`: "'?'", `C:\.wh.app`: "deletion",
		`C:\` + strings.Repeat("n", 246): "246 characters",
	}
	for in, want := range bad {
		var e *NameError
		if _, err := WindowsDir(in); !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Remedy == "" {
			t.Errorf("WindowsDir(%q) = %v, want a NameError with %q and a remedy", in, err, want)
		}
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, dir string
		want      bool
	}{
		{"app", "app", true}, {"app/x", "APP", true}, {"application", "app", false}, {"app", "app/x", false},
	} {
		if got := Below(tt.path, tt.dir); got != tt.want {
			t.Errorf("Below(%q, %q) = %v", tt.path, tt.dir, got)
		}
	}
}

// FuzzNames holds CheckName, WindowsDir and Fold to what layers rely on.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"app/App.exe", `C:\app`, `C:/a//b`, "aux.txt", "ı/ſ", "\xff", "a:b", "𐐨"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if err := CheckName(s); err == nil {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\\:*?\"<>|\x00") || strings.HasPrefix(s, "/") {
				t.Errorf("CheckName accepts %q", s)
			}
			if err := CheckName(s + "/x"); err != nil && CheckDirName(s) == nil && UTF16Len(s) < 32000 {
				t.Errorf("%q is a folder's name, but nothing can be in it: %v", s, err)
			}
		}
		if Fold(Fold(s)) != Fold(s) {
			t.Errorf("Fold(%q) is not stable", s)
		}
		rel, err := WindowsDir(s)
		if err != nil {
			return
		}
		if CheckDirName(rel) != nil || BaseOwned(rel) {
			t.Errorf("WindowsDir(%q) = %q, which it should refuse", s, rel)
		}
		if again, err := WindowsDir(`C:\` + strings.ReplaceAll(rel, "/", `\`)); err != nil || again != rel {
			t.Errorf("WindowsDir of its own result %q = %q, %v", rel, again, err)
		}
	})
}
