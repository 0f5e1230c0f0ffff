package distribution

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// StatusError is an answer by which a server refuses a request.
type StatusError struct {
	Method string
	Host   string // with the port, of who answered: the registry, a token server, a storage
	Path   string
	Status int
	// Errors are the registry's own words, where it follows the protocol.
	Errors []transport.Diagnostic
	// Text is the start of any other answer: its first line, or a page's title.
	Text string
	// OAuth is the code of a token server's refusal, RFC 6749 §5.2.
	OAuth string
	// RetryAfter is the wait that the server asks for; 0 is none.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s%s: %s", e.Method, e.Host, e.Path, e.Answer())
}

// Answer returns the status and the server's own message, without the request.
func (e *StatusError) Answer() string {
	if said := e.said(); said != "" {
		return e.line() + ": " + said
	}
	return e.line()
}

// line is the status as the protocol writes it.
func (e *StatusError) line() string {
	return strings.TrimSpace(fmt.Sprint(e.Status, " ", http.StatusText(e.Status)))
}

// said is the server's own message.
func (e *StatusError) said() string {
	if len(e.Errors) == 0 {
		return e.Text
	}
	parts := make([]string, 0, len(e.Errors))
	for _, d := range e.Errors {
		part := strings.TrimRight(strings.Trim(string(d.Code)+": "+d.Message, ": "), ".")
		if detail := detailText(d.Detail); detail != "" {
			part += " " + detail
		}
		if !slices.Contains(parts, part) { // a refused manifest says the same of each layer
			parts = append(parts, part)
		}
	}
	return shorten(strings.Join(parts, "; "))
}

func detailText(detail any) string {
	if detail == nil {
		return ""
	}
	if s, ok := detail.(string); ok {
		return "(" + s + ")"
	}
	text, err := json.Marshal(detail)
	if err != nil || string(text) == "{}" || string(text) == "[]" {
		return ""
	}
	return "(" + string(text) + ")"
}

// unauthorized tells whether other credentials may help.
func (e *StatusError) unauthorized() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden ||
		e.has(transport.UnauthorizedErrorCode) || // Nexus says it with a 400
		slices.Contains([]string{"invalid_grant", "invalid_client", "unauthorized_client"}, e.OAuth)
}

// has tells whether the registry gave one of the codes.
func (e *StatusError) has(codes ...transport.ErrorCode) bool {
	return slices.ContainsFunc(e.Errors, func(d transport.Diagnostic) bool { return slices.Contains(codes, d.Code) })
}

// limited tells whether the registry has had enough of us for now. Some say so with
// a 403, such as GitHub's.
func (e *StatusError) limited() bool {
	if e.Status == http.StatusTooManyRequests || e.has(transport.TooManyRequestsErrorCode) {
		return true
	}
	said := strings.ToLower(e.said())
	return e.Status == http.StatusForbidden && (strings.Contains(said, "rate limit") || strings.Contains(said, "too many requests"))
}

// passing tells whether the answer may be another one soon. One that reports success
// is here only because it is none of a registry. A manifest that lacks something stays
// refused: distribution says that with a 500 where it has a second reason.
func (e *StatusError) passing() bool {
	if e.has(transport.ManifestBlobUnknownErrorCode) {
		return false
	}
	return passingStatus(e.Status) || e.limited() || e.Status < http.StatusMultipleChoices
}

// maxAnswer bounds what is read of an answer that refuses, in bytes.
const maxAnswer = 64 << 10

// refusal reads the answer of a server that did not do what it was asked for.
func refusal(resp *http.Response) *StatusError {
	// What cannot be read of a refusal is no news.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	e := &StatusError{
		Method: resp.Request.Method, Host: resp.Request.URL.Host, Path: resp.Request.URL.Path,
		Status: resp.StatusCode, RetryAfter: askedWait(resp.Header),
	}
	var said struct {
		Errors []transport.Diagnostic `json:"errors"`
		Error  string                 `json:"error"` // RFC 6749 §5.2: token servers
		More   string                 `json:"error_description"`
		Detail string                 `json:"details"` // ghcr's token server and others
	}
	if json.Unmarshal(body, &said) == nil && (len(said.Errors) > 0 || said.Error != "" || said.Detail != "") {
		e.Errors, e.OAuth = said.Errors, said.Error
		if len(e.Errors) == 0 {
			e.Text = shorten(strings.Trim(strings.Join([]string{said.Error, said.More, said.Detail}, ": "), ": "))
		}
		return e
	}
	if e.Text = firstWords(body); e.Text == webPage(e.line()) {
		e.Text = "a web page" // whose title says nothing more
	}
	if e.Text == "" && isPage(resp) {
		e.Text = "a web page" // of which HEAD shows nothing
	}
	return e
}

// askedWait reads Retry-After, which is a number of seconds or a date (RFC 9110
// §10.2.3). A date is compared with the server's own clock.
func askedWait(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, until.Sub(now))
}

var pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// firstWords is what to show of an answer that is not a registry's.
func firstWords(body []byte) string {
	if m := pageTitle.FindSubmatch(body); m != nil {
		return webPage(shorten(strings.Join(strings.Fields(string(m[1])), " ")))
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	return shorten(strings.TrimSpace(string(line)))
}

func webPage(title string) string { return fmt.Sprintf("a web page titled %q", title) }

// maxText is the longest text of a server that is shown, in bytes.
const maxText = 400

func shorten(s string) string {
	s = strings.Map(printable, strings.ToValidUTF8(s, "?"))
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// printable keeps a server from moving the cursor of the user's terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return ' '
	}
	return r
}
