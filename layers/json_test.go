package layers

import (
	"strings"
	"testing"
)

func TestCountValues(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]int{
		``: 1, `1`: 1, `"[,{"`: 1, `"\"[,{\\"`: 1, `[]`: 2, `[1,2]`: 3, `{"a":[{},{}],"b,":"\\"}`: 7, `"cut off \`: 1,
	} {
		if got := countValues([]byte(raw)); got != want {
			t.Errorf("%s has %d values, want %d", raw, got, want)
		}
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	most := "[" + strings.Repeat("1,", maxValues-2) + "1]"
	if err := CheckJSON([]byte(most)); err != nil {
		t.Error(err)
	}
	if err := CheckJSON([]byte("[" + most + "]")); err == nil || !strings.Contains(err.Error(), "at most 65536") {
		t.Errorf("error %v", err)
	}
}
