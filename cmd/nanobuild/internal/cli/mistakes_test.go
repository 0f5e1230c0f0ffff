package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/testdata/authority"
)

// mistake is a planned one: somebody's command, and what is wrong with it or with
// the world.
type mistake struct {
	name   string   // of its golden file
	code   int      // the exit code
	names  []string // what the message must name: host and repository, or the file
	system bool     // the message holds words of the operating system, which differ
	warns  bool     // a warning comes first
	args   []string
	plan   func(t *testing.T, s *scene) // what the world is like; may be nil
}

// pushed is the usual way to a mistake about pushing.
func pushed(more ...string) []string {
	return append([]string{"push", "oci:image", "--repo", webRepo, "-t", "v1"}, more...)
}

// TestMistakes: each gives one error that says what was being done, to what, why it
// did not work and what to try, and leaves nothing behind.
func TestMistakes(t *testing.T) {
	t.Parallel()
	a := authority.New(t)
	seen := map[string]bool{}
	for _, group := range [][]mistake{
		credentialMistakes(), networkMistakes(), refusalMistakes(), troubleMistakes(), tagMistakes(), baseMistakes(), versionMistakes(), argumentMistakes(), verifyMistakes(),
	} {
		for _, m := range group {
			if seen[m.name] {
				t.Errorf("two mistakes are called %s", m.name)
			}
			seen[m.name] = true
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				m.check(t, a)
			})
		}
	}
	for _, file := range filesIn(t, goldenDir)[1:] {
		if name := strings.TrimSuffix(filepath.Base(file), ".txt"); !seen[name] && !strings.HasPrefix(name, diskMistake) {
			t.Errorf("%s belongs to no mistake", file)
		}
	}
}

func (m mistake) check(t *testing.T, a *authority.Authority) {
	t.Helper()
	t.Run(m.args[0], func(t *testing.T) {
		t.Parallel()
		m.golden(t, m.try(t, a, m.args))
	})
	if m.args[0] != "push" || !slices.Contains(m.args, "oci:image") {
		return
	}
	// The same while an image is built: many steps fail at once, in any order.
	t.Run("publish", func(t *testing.T) {
		t.Parallel()
		args := append([]string{"publish", "app", "--base", "oci:base", "--oci-layout", "out", "--tarball", "out.tar"}, m.args[2:]...)
		m.try(t, a, args)
	})
}

// try runs the command in a world of its own, and returns what stderr shows, ready
// to be compared.
func (m mistake) try(t *testing.T, a *authority.Authority, args []string) string {
	t.Helper()
	s := newScene(t, a, args...)
	if m.plan != nil {
		m.plan(t, s)
	}
	before := filesIn(t, s.dir, s.home, s.temp)
	got := s.run(t, append(s.arguments(args), "-q")...)
	if got.code != m.code {
		t.Errorf("exit code %d, want %d", got.code, m.code)
	}
	if got.stdout != "" {
		t.Errorf("stdout: %s", got.stdout)
	}
	if tags := s.moved.list(); len(tags) > 0 {
		t.Errorf("tags moved: %q", tags)
	}
	for _, file := range filesIn(t, s.dir, s.home, s.temp) {
		if !slices.Contains(before, file) && !s.wholeBlob(t, file) {
			t.Errorf("left behind: %s", file)
		}
	}
	text := got.stderr
	if warning, rest, _ := strings.Cut(text, "\n"); m.warns && strings.HasPrefix(warning, "warning: ") {
		text = rest
	}
	if found := problems(text, m.names); len(found) > 0 {
		t.Errorf("%s:\n%s", strings.Join(found, "; "), got.stderr)
	}
	return s.normal(got.stderr)
}

// goType finds what Go calls a type or prints of a value.
var goType = regexp.MustCompile(`\*?\b[a-z][a-z0-9]*\.[A-Z][A-Za-z]+\b|%!|0x[0-9a-f]{6,}|map\[|<nil>|\{[A-Z][A-Za-z]*:`)

var digestText = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// maxLine is how many characters four lines of a usual terminal have, digests
// shortened to what a reader looks at.
const maxLine = 4 * 120

// problems is what is wrong with a message, whatever it is about.
func problems(stderr string, names []string) []string {
	var found []string
	text, ended := strings.CutSuffix(stderr, "\n")
	if !ended || strings.Count(text, "\n") > 3 {
		found = append(found, "not one to four lines")
	}
	if !strings.HasPrefix(text, "error: ") || strings.Count(text, "error: ") > 1 {
		found = append(found, "not one error")
	}
	if n := len(digestText.ReplaceAllString(text, "sha256:0123456789ab")); n > maxLine {
		found = append(found, fmt.Sprintf("%d characters", n))
	}
	for _, n := range names {
		if !strings.Contains(text, n) {
			found = append(found, "it does not name "+n)
		}
	}
	if strings.Contains(text, "failed to") || strings.Contains(text, "EOF") && !strings.Contains(text, "unexpected end") {
		found = append(found, "not in plain words")
	}
	if at := goType.FindString(text); at != "" {
		found = append(found, "it shows Go's "+at)
	}
	return append(found, repetitions(text)...)
}

// repetitions are the digests and the phrases that a message has twice. A phrase is
// one of four words; so many stand together by chance in a name of a command only.
func repetitions(text string) []string {
	var found []string
	seen := map[string]bool{}
	for _, d := range digestText.FindAllString(text, -1) {
		if seen[d] {
			found = append(found, "twice "+d)
		}
		seen[d] = true
	}
	words := strings.Fields(strings.ToLower(text))
	for i := range words {
		if i+4 > len(words) {
			break
		}
		phrase := strings.Trim(strings.Join(words[i:i+4], " "), ".,;:")
		if seen[phrase] {
			found = append(found, "twice "+phrase)
		}
		seen[phrase] = true
	}
	return found
}

var (
	localAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	scratchName  = regexp.MustCompile(`(nanobuild-(?:tmp-)?|layers?-)[a-z0-9]+\b(/[A-Z2-7]{26})?`)
	moment       = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// normal is a text without what differs from run to run.
func (s *scene) normal(text string) string {
	for dir, name := range map[string]string{s.dir: "DIR", s.home: "HOME", s.temp: "TEMP"} {
		text = strings.ReplaceAll(text, dir, name)
	}
	text = digestText.ReplaceAllString(text, "sha256:DIGEST")
	text = localAddress.ReplaceAllString(text, "HOST")
	text = moment.ReplaceAllString(text, "TIME")
	text = scratchName.ReplaceAllString(text, "${1}NAME")
	return filepath.ToSlash(text)
}

const goldenDir = "testdata/mistakes"

// diskMistake begins the names of mistakes with a test of their own: not every machine can
// have them.
const diskMistake = "disk-full"

func (m mistake) golden(t *testing.T, stderr string) {
	t.Helper()
	file := filepath.Join(goldenDir, m.name+".txt")
	text := fmt.Sprintf("$ nanobuild %s\n%sexit code %d\n", strings.Join(m.args, " "), stderr, m.code)
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
		return
	}
	if m.system && runtime.GOOS == "windows" {
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(string(want), "\r\n", "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// TestProblemsAreFound shows that the checks of messages bite.
func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0f", 32)
	for text, want := range map[string]string{
		"error: push to r.io: 404 Not Found; check the name\n":    "",
		"error: a\n\n\n\nb r.io\n":                                "not one to four lines",
		"error: no end r.io":                                      "not one to four lines",
		"warning: r.io\n":                                         "not one error",
		"error: r.io error: x\n":                                  "not one error",
		"error: " + strings.Repeat("x", maxLine) + " r.io\n":      "492 characters",
		"error: nobody\n":                                         "r.io",
		"error: failed to ask r.io\n":                             "plain words",
		"error: ask r.io: unexpected EOF\n":                       "plain words",
		"error: ask r.io: *url.Error\n":                           "url.Error",
		"error: ask r.io: %!s(MISSING)\n":                         "%!",
		"error: ask r.io for " + digest + ": no " + digest + "\n": "twice sha256",
		"error: r.io: no such thing here: no such thing here\n":   "twice",
	} {
		got := problems(text, []string{"r.io"})
		if want == "" && len(got) > 0 || !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%q: problems %q, want %q", text, got, want)
		}
	}
}
