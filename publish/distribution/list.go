package distribution

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// pageSize is how many names a page is asked for. Registries give fewer where they
// like.
const pageSize = "1000"

// The bounds of a list: a hostile registry has always one page more.
const (
	maxPages = 5000
	maxNames = 200_000 // that are kept
	maxName  = 255     // bytes of one, as of most registries
)

// listPage is an answer with a part of a list. A page has at most MaxDocument bytes.
type listPage struct {
	Repositories []string `json:"repositories"`
	Tags         []string `json:"tags"`
	next         *url.URL // nil behind the last page
}

func readPage(resp *http.Response) (page listPage, err error) {
	what := "list " + resp.Request.URL.Path
	content, err := readAll(resp, what)
	if err != nil {
		return page, err
	}
	if err := json.Unmarshal(content, &page); err != nil {
		return page, &DamagedError{What: what, Why: "the answer of type " + resp.Header.Get("Content-Type") + " is no list of names: " + firstWords(content)}
	}
	page.next, err = nextPage(resp)
	return page, err
}

// nextPage returns where the list goes on, or nil. The address must be one of the
// host that was asked, whatever it says of scheme and port: servers behind a proxy
// know neither.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
func nextPage(resp *http.Response) (*url.URL, error) {
	target, ok := nextLink(resp.Header.Values("Link"))
	if !ok {
		return nil, nil
	}
	from := resp.Request.URL
	u, err := from.Parse(target)
	if err != nil {
		return nil, &DamagedError{What: "list " + from.Path, Why: "it goes on at an address that is none"}
	}
	if !SameHost(u.Host, from.Host) {
		return nil, &redirectError{fmt.Sprintf("%s says that its list goes on at %s, and only it can tell what it has", from.Host, shorten(u.Host))}
	}
	return &url.URL{Host: from.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}, nil
}

// nextLink returns the target of the link whose relation is "next", RFC 8288 §3.
func nextLink(headers []string) (string, bool) {
	for _, h := range headers {
		for h != "" {
			_, rest, ok := strings.Cut(h, "<")
			if !ok {
				break
			}
			target, rest, ok := strings.Cut(rest, ">")
			if !ok {
				break
			}
			var params string
			params, h = cutLink(rest)
			if isNext(params) {
				return strings.TrimSpace(target), true
			}
		}
	}
	return "", false
}

// cutLink returns the parameters of a link, and the links behind it.
func cutLink(s string) (params, rest string) {
	quoted := false
	for i, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func isNext(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(key), "rel") {
			continue
		}
		for word := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(word, "next") {
				return true
			}
		}
	}
	return false
}

// listing collects the names of a list.
type listing struct {
	keep  func(string) bool
	found []string
	seen  map[string]bool // names in found
	asked map[string]bool // addresses of pages
	pages int
}

// ListError says that a list is larger than anybody reads, or has no end.
type ListError struct{ Why string }

func (e *ListError) Error() string { return e.Why }

func (l *listing) add(at *url.URL, names []string) error {
	if l.pages++; l.pages > maxPages {
		return &ListError{fmt.Sprintf("it has more than %d pages", maxPages)}
	}
	address := at.RequestURI()
	if l.asked[address] {
		return &ListError{"it goes round in a circle: a page names one before it as the next"}
	}
	l.asked[address] = true
	for _, n := range names {
		if len(n) > maxName || l.seen[n] || !l.keep(n) {
			continue
		}
		if len(l.found) == maxNames {
			return &ListError{fmt.Sprintf("it has more than %d names that match", maxNames)}
		}
		l.seen[n] = true
		l.found = append(l.found, n)
	}
	return nil
}
