//go:build !nosign

package sign

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// configService is one service of a signing config.
func configService(url string, version int, start, end string) string {
	valid := fmt.Sprintf(`"start":%q`, start)
	if end != "" {
		valid += fmt.Sprintf(`,"end":%q`, end)
	}
	return fmt.Sprintf(`{"url":%q,"majorApiVersion":%d,"operator":%q,"validFor":{%s}}`, url, version, url, valid)
}

const configHead = `"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"`

// TestSigningConfig: of the services, those are chosen that are valid now and whose
// interface is known, in the number that the config says.
func TestSigningConfig(t *testing.T) {
	t.Parallel()
	const start, later, end = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"
	ca := `"caUrls":[` + configService("https://old.example", 1, start, end) + `,` + configService("https://new.example", 1, later, "") + `,` + configService("https://v2.example", 2, later, "") + `]`
	logs := `"rekorTlogUrls":[` + configService("https://a.example", 1, start, "") + `,` + configService("https://b.example", 1, start, "") + `,` + configService("https://v2.example", 2, start, "") + `]`
	stamps := `"tsaUrls":[` + configService("https://t.example/stamp", 1, start, "") + `]`
	for _, test := range []struct {
		name, config string
		now          string
		fulcio       string
		logs         int
		stamps       []string
	}{
		{"early", ca + "," + logs + "," + stamps, "2026-02-01T00:00:00Z", "https://old.example", 1, []string{"https://t.example/stamp"}},
		{"late", ca + "," + logs + "," + stamps, "2026-08-01T00:00:00Z", "https://new.example", 1, []string{"https://t.example/stamp"}},
		{"no time", ca + "," + logs, "", "https://new.example", 1, nil},
		{"all", ca + "," + logs + `,"rekorTlogConfig":{"selector":"ALL"}`, "2026-08-01T00:00:00Z", "https://new.example", 2, nil},
		{"exactly two", ca + "," + logs + `,"rekorTlogConfig":{"selector":"EXACT","count":2}`, "2026-08-01T00:00:00Z", "https://new.example", 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k := Keyless{SigningConfig: []byte("{" + configHead + "," + test.config + "}")}
			if test.now != "" {
				now, err := time.Parse(time.RFC3339, test.now)
				if err != nil {
					t.Fatal(err)
				}
				k.Now = func() time.Time { return now }
			}
			got, err := servicesOf(k)
			if err != nil || got.fulcio != test.fulcio || len(got.logs) != test.logs || !slices.Equal(got.stamps, test.stamps) {
				t.Errorf("servicesOf = %+v, %v", got, err)
			}
			if slices.Contains(got.logs, "https://v2.example") {
				t.Error("a log was chosen whose interface is not known")
			}
		})
	}
}

// TestSigningConfigMistakes: what cannot be signed with is refused, naming the flag.
func TestSigningConfigMistakes(t *testing.T) {
	t.Parallel()
	const start = "2026-01-01T00:00:00Z"
	ca := `"caUrls":[` + configService("https://new.example", 1, start, "") + `]`
	for name, config := range map[string]string{
		"no JSON":      "x",
		"another kind": `{"mediaType":"application/json"}`,
		"empty":        "{" + configHead + "}",
		"no authority": "{" + configHead + `,"rekorTlogUrls":[` + configService("https://a.example", 1, start, "") + "]}",
		"v2 alone":     "{" + configHead + "," + ca + `,"rekorTlogUrls":[` + configService("https://a.example", 2, start, "") + "]}",
		"too many":     "{" + configHead + "," + ca + `,"rekorTlogUrls":[` + configService("https://a.example", 1, start, "") + `],"rekorTlogConfig":{"selector":"EXACT","count":2}}`,
	} {
		_, err := servicesOf(Keyless{SigningConfig: []byte(config)})
		if err == nil || !strings.Contains(err.Error(), "--signing-config") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := servicesOf(Keyless{SigningConfig: []byte("{" + configHead + "," + ca + "}")})
	if err == nil || !strings.Contains(err.Error(), "--timestamp-url") {
		t.Errorf("no proof of the time: %v", err)
	}
}

// FuzzSigningConfig: no config breaks the choice, and each that is taken has what
// signing needs.
func FuzzSigningConfig(f *testing.F) {
	f.Add([]byte("{" + configHead + `,"caUrls":[` + configService("https://a.example", 1, "2026-01-01T00:00:00Z", "") + "]}"))
	f.Add([]byte("{" + configHead + `,"caUrls":[{}],"rekorTlogUrls":[{"majorApiVersion":1}],"tsaConfig":{"selector":"ALL"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := servicesOf(Keyless{SigningConfig: raw})
		if err == nil && (got.fulcio == "" || len(got.logs)+len(got.stamps) == 0) {
			t.Errorf("%+v", got)
		}
	})
}
