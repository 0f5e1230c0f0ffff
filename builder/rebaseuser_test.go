package builder_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// TestRebaseGivesNoRights: a new base makes nobody an administrator who was none. The
// image is then the one that a build with --user would make.
func TestRebaseGivesNoRights(t *testing.T) {
	t.Parallel()
	const admin = "ContainerAdministrator"
	for _, tt := range []struct {
		old, own, next string // users; own is that of --user
		want           string
		keeps          bool // against the rule of the other settings, with a warning
	}{
		{"ContainerUser", "", "", "ContainerUser", true},
		{"ContainerUser", "", admin, "ContainerUser", true},
		{"ContainerUser", "", `User Manager\containeradministrator`, "ContainerUser", true},
		{"web", "", admin, "web", true},
		{"ContainerUser", "", "web", "web", false},
		{"", "", admin, admin, false},
		{admin, "", "", "", false},
		{"", "", "ContainerUser", "ContainerUser", false},
		{"", "ContainerUser", admin, "ContainerUser", false},
		{"ContainerUser", admin, "", admin, false},
	} {
		from := newBase(t, sample.Options{OSVersion: lastMonth, User: tt.old, NoUser: tt.old == ""})
		to := newBase(t, sample.Options{OSVersion: thisMonth, User: tt.next, NoUser: tt.next == ""})
		app := newApp(t)
		img, _ := build(t, app, from, builder.Overrides{User: tt.own})
		got := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to, Clock: commitTime})
		c, err := got.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if warned := mentions(got.Warnings, "keeps the user "+tt.want, "--user"); c.Config.User != tt.want || warned != tt.keeps {
			t.Errorf("%+v: the user is %q, warnings %q", tt, c.Config.User, got.Warnings)
		}
		o := builder.Overrides{User: tt.own}
		if tt.keeps {
			o.User = tt.want
		}
		want, _ := build(t, app, to, o)
		wantSameImage(t, want, got)
	}
}

// TestRebaseTellsOfOtherHosts, also where the new base was named.
func TestRebaseTellsOfOtherHosts(t *testing.T) {
	t.Parallel()
	from := newBase(t, sample.Options{OSVersion: lastMonth})
	img, _ := build(t, newApp(t), from, builder.Overrides{})
	for version, tells := range map[string]bool{"10.0.26100.1": true, thisMonth: false} {
		got := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: newBase(t, sample.Options{OSVersion: version}), AllowOtherBuild: true})
		if mentions(got.Warnings, lastMonth, version, "other hosts") != tells {
			t.Errorf("%s: warnings %q", version, got.Warnings)
		}
	}
}

// TestRebaseKeepsLayersOrdinary: an image that was made for networks without a way to
// the URLs of foreign layers stays one.
func TestRebaseKeepsLayersOrdinary(t *testing.T) {
	t.Parallel()
	for _, oci := range []bool{false, true} {
		from, to := newBase(t, sample.Options{OSVersion: lastMonth, Foreign: true, OCI: oci}), newBase(t, sample.Options{OSVersion: thisMonth, Foreign: true, OCI: oci})
		img, _ := build(t, newApp(t), from, builder.Overrides{})
		plain := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to})
		sent := rebase(t, builder.RebaseRequest{Image: existing(t, img), OldBase: asOld(from), New: to, Foreign: true})
		next := newBase(t, sample.Options{OSVersion: "10.0.20348.4400", Foreign: true, OCI: oci})
		for is, old := range map[bool]*builder.Rebased{false: plain, true: sent} {
			got := rebase(t, builder.RebaseRequest{Image: existing(t, old), OldBase: asOld(to), New: next})
			m, err := got.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			if first := m.Layers[0]; first.MediaType.IsDistributable() != is || (len(first.URLs) == 0) != is {
				t.Errorf("ordinary before: %v, and now %s with %q", is, first.MediaType, first.URLs)
			}
		}
	}
}

// TestReplaceEntriesTwice: an index may list an image more than once.
func TestReplaceEntriesTwice(t *testing.T) {
	t.Parallel()
	old, moved := on(t, "10.0.20348.1"), on(t, "10.0.20348.2")
	raw, mt, err := builder.WriteIndex([]v1.Image{old}, true)
	if err != nil {
		t.Fatal(err)
	}
	one := entries(t, raw)[0]
	twice := []byte(strings.Replace(string(raw), one, one+","+one, 1))
	got, err := builder.ReplaceEntries(twice, mt, map[v1.Hash]v1.Image{existing(t, old).Digest: moved})
	if err != nil || len(entries(t, got)) != 2 || strings.Contains(string(got), digestOf(t, old)) {
		t.Errorf("%s, %v", got, err)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "",
		"C:\\app Größe 日本":        "C:\\app Größe 日本",
		"\x1b[31mred\nfake line":  `"\x1b[31mred\nfake line"`,
		"a\u202eb":                `"a\u202eb"`,
		"\xff":                    `"\xff"`,
		strings.Repeat("é", 500):  strings.Repeat("é", 100) + "…",
		strings.Repeat("\n", 500): `"` + strings.Repeat(`\n`, 200) + `…"`,
	} {
		if got := builder.Printable(text); got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}

// TestRebaseShowsForeignTextSafely: what an image or a base says fakes no lines.
func TestRebaseShowsForeignTextSafely(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[31mred\nHOST/app:v1: is up to date"
	from := newBase(t, sample.Options{OSVersion: lastMonth, Env: []string{"A=" + evil}})
	to := newBase(t, sample.Options{OSVersion: thisMonth, Env: []string{"A=2", "B" + evil + "=1"}, ExtraConfig: map[string]any{
		"docker_version": evil, evil: "x", "config.Labels": map[string]string{evil: evil}, "config.Shell": []string{evil},
	}})
	img, _ := build(t, newApp(t), from, builder.Overrides{})
	old := existing(t, img)
	raw, err := json.Marshal("10.0.20348.1" + evil)
	if err != nil {
		t.Fatal(err)
	}
	old = edited(t, old, fmt.Sprintf("%q", lastMonth), string(raw))
	got := rebase(t, builder.RebaseRequest{Image: old, OldBase: asOld(from), New: to, AllowOtherBuild: true})
	lines := append(got.Changes, got.Warnings...)
	if !mentions(lines, `\x1b[31mred`) {
		t.Errorf("the texts are not shown: %q", lines)
	}
	wrong := existing(t, img)
	for _, text := range []string{`"architecture":"amd64"`, `"os":"windows"`} {
		key, _, _ := strings.Cut(text, ":")
		_, err := builder.Rebase(builder.RebaseRequest{Image: edited(t, wrong, text, key+`:"\u001b[31m\n"`), OldBase: asOld(from), New: to})
		if err == nil {
			t.Fatalf("%s is of no matter", text)
		}
		lines = append(lines, err.Error())
	}
	for _, line := range lines {
		if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q can steer a terminal", line)
		}
	}
}
