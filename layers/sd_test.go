package layers_test

import (
	"encoding/base64"
	"testing"

	"github.com/nanobuild/nanobuild/layers"
	"github.com/nanobuild/nanobuild/layers/lint"
)

// TestDescriptors decodes the constants: their text forms, their lengths, and
// that no other base64 text stands for the same bytes.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	const owner = "O:BAG:SYD:"
	tests := []struct {
		name, text, sddl string
		size             int
	}{
		{"DirSD", layers.DirSD, owner + "(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;CI;DC;;;BU)", 216},
		{"FileSD", layers.FileSD, owner + "(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)", 124},
		{"WritableDirSD", layers.WritableDirSD, owner + "(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1301bf;;;BU)", 124},
		{"WritableFileSD", layers.WritableFileSD, owner + "(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1301bf;;;BU)", 124},
	}
	for _, tt := range tests {
		raw, err := base64.StdEncoding.Strict().DecodeString(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got, err := lint.SDDL(raw); err != nil || got != tt.sddl {
			t.Errorf("%s = %s, %v; want %s", tt.name, got, err, tt.sddl)
		}
		if len(raw) != tt.size || base64.StdEncoding.EncodeToString(raw) != tt.text {
			t.Errorf("%s: %d bytes, want %d, or not canonical", tt.name, len(raw), tt.size)
		}
	}
}
