package builder

import "testing"

// TestPolicies has the rules of the host's framework resolution; the columns are
// Disable, LatestPatch, Minor and Major: + starts, p with newer patches alone,
// - does not.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ asked, has, want string }{
		{"8.0.5", "8.0.5", "++++"},
		{"8.0.5", "8.0.30", "-+++"},
		{"8.0.5", "8.0.4", "pppp"},
		{"8.0.5", "8.1.0", "--++"},
		{"8.1.0", "8.0.30", "----"},
		{"8.0.5", "9.0.0", "---+"},
		{"9.0.0", "8.0.30", "----"},
		{"10.0.0", "9.0.0", "----"},
		{"9.0.0", "10.0.0", "---+"},
		{"10.0.0-rc.1", "10.0.0", "-+++"},
		{"10.0.0", "10.0.0-rc.1", "pppp"},
		{"10.0.0-rc.1", "10.0.0-rc.2", "++++"},
		{"net8.0", "8.0.30", "-+++"},
		{"8.0", "8.0.0", "++++"},
		{"", "8.0.0", "++++"},
		{"8.0.0", "latest", "++++"},
	} {
		for i, name := range []string{"disable", "LatestPatch", "", "latestMajor"} {
			got := map[answer]byte{accepted: '+', tooOld: 'p', refused: '-'}[policyOf(name).accepts(c.asked, c.has)]
			if got != c.want[i] {
				t.Errorf("%s asked for, %s there, policy %q: %c, want %c", c.asked, c.has, name, got, c.want[i])
			}
		}
	}
	if policyOf("LatestMinor") != policyOf("Minor") || policyOf("Major") != policyOf("latestmajor") {
		t.Error("a policy has another one's meaning")
	}
}
