package distribution

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func answerOf(status int, header http.Header, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)),
		Request: &http.Request{Method: http.MethodPut, URL: &url.URL{Scheme: "https", Host: "registry.example.com", Path: "/v2/app/manifests/v1", RawQuery: "sig=secret"}},
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"nothing":        {404, "", "404 Not Found"},
		"the protocol":   {403, `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`, "403 Forbidden: DENIED: requested access to the resource is denied"},
		"a detail":       {404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"nope"}}]}`, `404 Not Found: MANIFEST_UNKNOWN: manifest unknown`},
		"words":          {400, `{"errors":[{"code":"TAG_INVALID","message":"no","detail":"tags are immutable"}]}`, `400 Bad Request: TAG_INVALID: no (tags are immutable)`},
		"several":        {400, `{"errors":[{"code":"A","message":"a"},{"code":"A","message":"a"},{"code":"B"}]}`, "400 Bad Request: A: a; B"},
		"OAuth":          {401, `{"error":"invalid_grant","error_description":"the token has expired"}`, "401 Unauthorized: invalid_grant: the token has expired"},
		"ghcr":           {403, `{"details":"incorrect username or password"}`, "403 Forbidden: incorrect username or password"},
		"a page":         {502, "<html><head><TITLE>\n502 Bad\nGateway</title></head><body>x</body></html>", `502 Bad Gateway: a web page`},
		"another page":   {502, "<html><title>Corp\nproxy</title></html>", `502 Bad Gateway: a web page titled "Corp proxy"`},
		"a line":         {413, "too big\nfor us\n", "413 Request Entity Too Large: too big"},
		"a terminal":     {500, "\x1b[31mred\x07", "500 Internal Server Error:  [31mred"},
		"no such status": {599, "", "599"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			got := refusal(answerOf(c.status, http.Header{}, c.body))
			if !strings.HasPrefix(got.Answer(), c.want) {
				t.Errorf("Answer = %q, want %q", got.Answer(), c.want)
			}
			if full := got.Error(); full != "PUT registry.example.com/v2/app/manifests/v1: "+got.Answer() {
				t.Errorf("Error = %q", full)
			}
		})
	}
}

// Of a page in the place of an answer only the start is shown.
func TestLongRefusals(t *testing.T) {
	t.Parallel()
	for _, body := range []string{strings.Repeat("é", 9000), `{"errors":[{"code":"X","message":"` + strings.Repeat("é", 9000) + `"}]}`, "<title>" + strings.Repeat("é", 9000) + "</title>"} {
		got := refusal(answerOf(418, http.Header{}, body)).Error()
		if len(got) > 600 || !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	}
}

func TestLimitedAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"errors":[{"code":"DENIED","message":"You have exceeded a secondary rate limit"}]}`: true,
		`{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`:                       true,
		"Too Many Requests": true,
		`{"errors":[{"code":"DENIED","message":"no rights"}]}`: false,
	} {
		if got := refusal(answerOf(403, http.Header{}, body)).limited(); got != want {
			t.Errorf("%s: limited = %v", body, got)
		}
	}
}
