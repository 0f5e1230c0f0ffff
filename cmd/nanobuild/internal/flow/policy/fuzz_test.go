package policy

import (
	"strings"
	"testing"
)

// FuzzParse: whatever the bytes are, what is taken holds only values that flags may have.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	for _, c := range append(faults(), yamlFaults()...) {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		p, stated, err := Parse(content)
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Errorf("%d bytes of error", len(err.Error()))
			}
			return
		}
		if len(stated) == 0 {
			t.Errorf("%q is taken, and asks nothing", strings.ToValidUTF8(string(content), "?"))
		}
		p.AllowDirty = false
		p.Unsigned, p.Key = false, "cosign.pub" // whether values fit together is asked later
		p.Identity, p.IdentityRegexp, p.Issuer, p.IssuerRegexp, p.TrustedRoot = "", "", "", "", "root.json"
		if err := p.Check(); err != nil {
			t.Errorf("%q is taken: %v", strings.ToValidUTF8(string(content), "?"), err)
		}
	})
}
