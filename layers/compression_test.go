package layers

import (
	"os"
	"strings"
	"testing"
)

// TestCommentNamesCompressor fails when a dependency moves without the
// constants, or the constants without their digests.
func TestCommentNamesCompressor(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"github.com/klauspost/pgzip v" + pgzipVersion + "\n",
		"github.com/klauspost/compress v" + compressVersion + "\n",
	} {
		if !strings.Contains(string(mod), want) {
			t.Errorf("go.mod lacks %q: the compressor changed, set its version here", want)
		}
	}
	if want := "layer format 1; gzip pgzip 1.3.0 flate 1.20.4 level 6"; Gzip.Comment() != want {
		t.Errorf("Comment() = %q, want %q", Gzip.Comment(), want)
	}
}
