package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	const password, token, signed = `hunter"2\x`, "eyJhbGciOi.eyJzdWIi.c2ln", "https://s.example.com/blob?sig=abc%2B123"
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := newLogger(&out, format, slog.LevelDebug)
		log.secrets.Add(password)
		log.With("with", password).WithGroup("group").Error("refused "+password+" at "+signed,
			"attribute", password, "error", errors.New("Authorization: Bearer "+token), "url", signed, slog.Group("inner", "x", password), "n", 5, flow.RawLine, true)
		log.Debug("sent Bearer " + token)
		for _, secret := range []string{"hunter", token, "sig=", "c2ln"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s: %q is shown: %s", format, secret, out.String())
			}
		}
		if strings.Count(out.String(), "***") < 2 || strings.Count(out.String(), "\n") != 2 {
			t.Errorf("%s: %s", format, out.String())
		}
		if format != "json" {
			continue
		}
		for line := range strings.Lines(out.String()) {
			if !json.Valid([]byte(line)) || strings.Contains(line, `"raw"`) {
				t.Errorf("line %s", line)
			}
		}
		if !strings.Contains(out.String(), `"n":5`) || !strings.Contains(out.String(), `"level":"ERROR"`) {
			t.Errorf("%s", out.String())
		}
	}
}
