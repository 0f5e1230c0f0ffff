package credentials

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	docker "github.com/docker/cli/cli/config"
)

// FuzzChangeAuths adds an entry to any file: what Docker finds in it afterwards is
// what it found before, and the entry; all other values stay.
func FuzzChangeAuths(f *testing.F) {
	for _, seed := range []string{
		"", "{}", keptFile, "\xef\xbb\xbf{\"a\":1}", `{"auths":null}`, `{"auths":{"r.io":{"auth":"YTpi"}}}`, `{"auths":{"r.io":{}},"credsStore":"x"}`,
		`{"auths":{"\u0072.io":{}}}`, `{"auths":{},"Auths":{}}`, `{"a":1e400,"b":[{"c":[]}]}`, "{\"\xff\":1}", `{"auths":[]}`, `[]`, `{"auths":{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		changed, err := changeAuths(text, func(auths object) (object, error) {
			return auths.with("r.io", json.RawMessage(`{"auth":"bWU6cGFzcw=="}`)), nil
		})
		if err != nil {
			return
		}
		var was, is map[string]any
		text = []byte(strings.TrimPrefix(string(text), "\xef\xbb\xbf"))
		if json.Unmarshal(text, &was) == nil {
			if err := json.Unmarshal(changed, &is); err != nil {
				t.Fatalf("not JSON: %v: %s", err, changed)
			}
			delete(was, "auths")
			delete(is, "auths")
			if len(was)+len(is) > 0 && !reflect.DeepEqual(was, is) {
				t.Errorf("the rest was %v and is %v", was, is)
			}
		}
		before, err := docker.LoadFromReader(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		after, err := docker.LoadFromReader(strings.NewReader(string(changed)))
		if err != nil {
			t.Fatalf("Docker refuses the new file: %v: %s", err, changed)
		}
		if got := after.AuthConfigs["r.io"]; got.Username != "me" || got.Password != "pass" {
			t.Errorf("Docker finds %+v", got)
		}
		for host, want := range before.AuthConfigs {
			if got := after.AuthConfigs[host]; host != "r.io" && got != want {
				t.Errorf("%q was %+v and is %+v", host, want, got)
			}
		}
	})
}
