package flow

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestOriginsOf(t *testing.T) {
	t.Parallel()
	for steps, want := range map[string]string{
		"":                               "",
		"Apply image 10.0.20348.1":       "base",
		"whatever":                       "base",
		"|":                              "base other",
		"Apply image 1|COPY . .|RUN x":   "base other other",
		"Apply image 1|Install update 2": "base base",
		"Apply image 1|Install update 2|ko build ko://x":                       "base base other",
		"Apply image 1|RUN setx|nanobuild: runtime layer|nanobuild: app layer": "base base runtime app",
		"Apply image 1|nanobuild: app layer|RUN x":                             "base app other",
		"nanobuild: app layer":                                                 "app",
		"Apply image 1|nanobuild: odd layer":                                   "base other",
		"Apply image 1|nanobuild: app":                                         "base other",
	} {
		var history []v1.History
		if steps != "" {
			for step := range strings.SplitSeq(steps, "|") {
				history = append(history, v1.History{CreatedBy: step})
			}
		}
		if got := strings.Join(originsOf(history), " "); got != want {
			t.Errorf("%q: %q, want %q", steps, got, want)
		}
	}
}
