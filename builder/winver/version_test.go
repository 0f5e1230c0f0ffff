package winver_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/builder/winver"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]*winver.Version{
		"10.0.20348.4171":         {Major: 10, Build: 20348, Revision: 4171},
		"10.0.20348.0":            {Major: 10, Build: 20348},
		"6.3.9600.17031":          {Major: 6, Minor: 3, Build: 9600, Revision: 17031},
		"10.0.020348.09":          {Major: 10, Build: 20348, Revision: 9},
		"0.0.0.4294967295":        {Revision: 4294967295},
		"0.0.0.4294967296":        nil,
		"10.0.20348":              nil,
		"10.0.20348.1.2":          nil,
		"10.0.20348.":             nil,
		".10.0.20348":             nil,
		"10.0..1":                 nil,
		"10.0.-1.0":               nil,
		"10.0.+1.0":               nil,
		"10.0.1_0.0":              nil,
		"10.0.0x1.0":              nil,
		" 10.0.20348.1":           nil,
		"10.0.20348.1\n":          nil,
		"10,0,20348,1":            nil,
		"10.0.20348.4171-preview": nil,
		"ltsc2022":                nil,
		"":                        nil,
	} {
		got, err := winver.Parse(text)
		if (err == nil) != (want != nil) || want != nil && got != *want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "10.0.20348.4171") {
			t.Errorf("Parse(%q): %v; want an example in it", text, err)
		}
	}
}

func TestParseErrorsStayShort(t *testing.T) {
	t.Parallel()
	if _, err := winver.ParsePrefix(strings.Repeat("1.", 1<<20)); err == nil || len(err.Error()) > 250 {
		t.Errorf("error = %.300v; want a short one", err)
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefix, version string
		want            bool
	}{
		{"10.0.20348", "10.0.20348.4171", true},
		{"10.0.20348", "10.0.20348.0", true},
		{"10.0.20348", "10.0.26100.4171", false},
		{"10.0.20348", "10.0.203481.1", false},
		{"10.0.20348", "11.0.20348.1", false},
		{"10.0.20348.4171", "10.0.20348.4171", true},
		{"10.0.20348.4171", "10.0.20348.417", false},
		{"10.0.20348.0", "10.0.20348.4171", false},
	} {
		p, err := winver.ParsePrefix(c.prefix)
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != c.prefix {
			t.Errorf("%q is written %q", c.prefix, p)
		}
		if got := p.Matches(parse(t, c.version)); got != c.want {
			t.Errorf("%s matches %s: %v", c.prefix, c.version, got)
		}
	}
	for _, bad := range []string{"", "20348", "10.0", "10.0.", "10.0.20348.", "10.0.20348.1.2", "10.0.x"} {
		if p, err := winver.ParsePrefix(bad); err == nil {
			t.Errorf("ParsePrefix(%q) = %v", bad, p)
		}
	}
}

// TestCompare has texts in their order.
func TestCompare(t *testing.T) {
	t.Parallel()
	ordered := []string{
		"", "10.0", "ltsc2022",
		"6.3.9600.17031", "10.0.14393.9999", "10.0.17763.1", "10.0.20348", "10.0.20348.0",
		"10.0.20348.9", "10.0.20348.2700", "10.0.26100.4349", "10.0.26100.32995", "10.0.26100.33158",
		"10.1.0.0", "11.0.0.0",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := winver.Compare(a, b); got != cmp.Compare(i, j) {
				t.Errorf("Compare(%q, %q) = %d", a, b, got)
			}
		}
	}
	if a, b := parse(t, "10.0.20348.9"), parse(t, "10.0.20348.2700"); a.Compare(b) >= 0 || !a.SameBuild(b) || a.SameBuild(parse(t, "10.0.20349.9")) {
		t.Errorf("%s and %s are not ordered by their numbers", a, b)
	}
}

func parse(t *testing.T, s string) winver.Version {
	t.Helper()
	v, err := winver.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// FuzzVersion: what is parsed is written as what parses to the same, and texts
// are in a total order that agrees with the numbers.
func FuzzVersion(f *testing.F) {
	f.Add("10.0.20348.9", "10.0.20348.2700", "10.0.20348")
	f.Add("10.0.020348.9", "10.0.20348.9", "")
	f.Add("ltsc2022", "1.2.3.4.5", "4294967296.0.0.0")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, s := range []string{a, b, c} {
			p, err := winver.ParsePrefix(s)
			v, errFull := winver.Parse(s)
			if (errFull == nil) != (err == nil && p.Full) {
				t.Fatalf("Parse(%q): %v; ParsePrefix: %+v, %v", s, errFull, p, err)
			}
			if err != nil {
				continue
			}
			if again, err := winver.ParsePrefix(p.String()); err != nil || again != p || len(p.String()) > len(s) {
				t.Errorf("%q is written %q and read as %v, %v", s, p, again, err)
			}
			if p.Full && (v != p.Version || !p.Matches(v) || winver.Compare(s, v.String()) != cmp.Compare(s, v.String())) {
				t.Errorf("%q is not equal to %s", s, v)
			}
		}
		if ab := winver.Compare(a, b); ab != -winver.Compare(b, a) || (ab == 0) != (a == b) {
			t.Errorf("Compare(%q, %q) = %d, the other way %d", a, b, ab, winver.Compare(b, a))
		}
		if v, err := winver.Parse(a); err == nil {
			if w, err := winver.Parse(b); err == nil && v != w && v.Compare(w) != winver.Compare(a, b) {
				t.Errorf("%q and %q: their numbers and their texts differ in order", a, b)
			}
		}
		sorted := []string{a, b, c}
		slices.SortFunc(sorted, winver.Compare)
		if winver.Compare(sorted[0], sorted[1]) > 0 || winver.Compare(sorted[1], sorted[2]) > 0 || winver.Compare(sorted[0], sorted[2]) > 0 {
			t.Errorf("%q is no order", sorted)
		}
	})
}
