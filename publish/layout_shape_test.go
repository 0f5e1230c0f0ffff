package publish

import (
	"strings"
	"testing"
)

func TestCheckShape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw string
		ok  bool
	}{
		"real":               {`{"schemaVersion":2,"manifests":[{"digest":"sha256:00","size":1}]}`, true},
		"brackets in a text": {`{"a":"` + strings.Repeat(`[{,\"`, 100_000) + `"}`, true},
		"as deep as allowed": {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), true},
		"deeper":             {strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), false},
		"as many as allowed": {"[" + strings.Repeat("1,", maxValues-2) + "1]", true},
		"more":               {"[" + strings.Repeat("1,", maxValues-1) + "1]", false},
		"cut off":            {`"\`, true},
	} {
		if err := checkShape([]byte(c.raw)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
