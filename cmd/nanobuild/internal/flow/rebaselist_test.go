package flow

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestReadImageList(t *testing.T) {
	t.Parallel()
	want := []string{"ghcr.io/me/web:v1", "ghcr.io/me/api@sha256:0"}
	const text = "# images of mine\r\n\r\nghcr.io/me/web:v1 # the first\r\n\t ghcr.io/me/api@sha256:0"
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for what, raw := range map[string][]byte{
		"plain": []byte(text), "with a byte order mark": []byte("\xef\xbb\xbf" + text), "of PowerShell": wide,
	} {
		if got, err := ReadImageList(bytes.NewReader(raw)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", what, got, err, want)
		}
	}
	for says, text := range map[string]string{
		`line 2 holds "v2"`:        "a\nb v2\n",
		"more than 4096 bytes":     strings.Repeat("x", 5000),
		"it has more than 16 MiB":  strings.Repeat("\n", maxListBytes+1),
		"write one reference per ": "a b",
	} {
		if got, err := ReadImageList(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q, %v; want an error with %q", got, err, says)
		}
	}
}

func FuzzReadImageList(f *testing.F) {
	f.Add([]byte("a\nb # c\n"))
	f.Add([]byte{0xff, 0xfe, 'a', 0, '\n', 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		images, err := ReadImageList(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for _, image := range images {
			if len(strings.Fields(image)) != 1 || image[0] == '#' {
				t.Errorf("%q is read as an image", image)
			}
		}
	})
}

func TestRebaseValidates(t *testing.T) {
	t.Parallel()
	const digest = "ghcr.io/me/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for says, change := range map[string]func(*RebaseOptions){
		"no image is named":         func(o *RebaseOptions) { o.Images = nil },
		"at least one job":          func(o *RebaseOptions) { o.Jobs = 0 },
		"is no image in a registry": func(o *RebaseOptions) { o.Images = []string{"https://ghcr.io/me/web"} },
		"name one with -t":          func(o *RebaseOptions) { o.Images = []string{digest} },
		"would both become": func(o *RebaseOptions) {
			o.Images, o.Tags = []string{"ghcr.io/me/web:1", "ghcr.io/me/web:2"}, []string{"x"}
		},
		`tag "a b"`:                      func(o *RebaseOptions) { o.Tags = []string{"a b"} },
		"needs a pattern of tags":        func(o *RebaseOptions) { o.Fleet.Prefix = "ghcr.io/me" },
		"is no pattern":                  func(o *RebaseOptions) { o.Fleet = Fleet{"ghcr.io/me", []string{"[a"}} },
		"begins with no host":            func(o *RebaseOptions) { o.Fleet = Fleet{"me/web", []string{"*"}} },
		`--shard "4/4" is no part`:       func(o *RebaseOptions) { o.Shard = "4/4" },
		`--shard "x" is no part`:         func(o *RebaseOptions) { o.Shard = "x" },
		"--registry-map":                 func(o *RebaseOptions) { o.RegistryMap = []string{"x"} },
		"is not a host":                  func(o *RebaseOptions) { o.Insecure = []string{"https://x"} },
		`The creation time "yesterday"`:  func(o *RebaseOptions) { o.Created = "yesterday" },
		`SOURCE_DATE_EPOCH is "tonight"`: func(o *RebaseOptions) { o.Epoch = "tonight" },
	} {
		o := RebaseOptions{Images: []string{"ghcr.io/me/web:v1"}, Jobs: 1}
		change(&o)
		done, err := Rebase(t.Context(), o, newWorld(t).Deps)
		if stageOf(err) != StageUsage || !strings.Contains(err.Error(), says) || done != nil {
			t.Errorf("%+v, %v; want a usage error with %q", done, err, says)
		}
	}
}
