package distribution

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// hidden stands where a secret was.
const hidden = "***"

// minSecret is the shortest secret that is looked for, in bytes. Shorter ones stand
// in every other text.
const minSecret = 4

// Secrets are what must never be shown: passwords, tokens, signed addresses. The
// zero value and nil know none, and still hide what looks like one. They are safe
// for concurrent use.
type Secrets struct {
	mu    sync.RWMutex
	forms []string // every spelling of every secret, the longest first
	hide  *strings.Replacer
}

// Add adds a secret, in whatever form it may be shown. One of fewer than four bytes
// is not kept.
func (s *Secrets) Add(secret string) {
	if s == nil || len(secret) < minSecret {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.forms, secret) {
		return
	}
	s.forms = append(s.forms, spellings(secret)...)
	slices.SortFunc(s.forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	s.forms = slices.Compact(s.forms)
	pairs := make([]string, 0, 2*len(s.forms))
	for _, form := range s.forms {
		pairs = append(pairs, form, hidden)
	}
	s.hide = strings.NewReplacer(pairs...)
}

// Redact returns the text without secrets: those that were added, and whatever
// stands in an Authorization header, as user and password in an address, or behind
// the question mark of one, where signed addresses and uploads have theirs. The
// result is its own redaction.
func (s *Secrets) Redact(text string) string {
	for range maxPasses {
		before := text
		text = hidePatterns(s.hideKnown(text))
		if text == before {
			break
		}
	}
	return text
}

// maxPasses bounds how often a text is gone through. What is hidden can make another
// secret out of what stands around it, but hardly more than once.
const maxPasses = 10

func (s *Secrets) hideKnown(text string) string {
	if s == nil {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.hide == nil {
		return text
	}
	return s.hideCut(s.hide.Replace(text))
}

// hideCut hides the starts of secrets in front of an ellipsis: a long text may have
// been cut in the middle of one.
func (s *Secrets) hideCut(text string) string {
	parts := strings.Split(text, ellipsis)
	for i := range len(parts) - 1 {
		for _, form := range s.forms {
			if n := overlap(parts[i], form); n >= minSecret {
				parts[i] = parts[i][:len(parts[i])-n] + hidden
				break
			}
		}
	}
	return strings.Join(parts, ellipsis)
}

// ellipsis stands where a text was cut.
const ellipsis = "…"

// overlap is the length of the longest end of a text that a form begins with.
func overlap(text, form string) int {
	for n := min(len(text), len(form)-1); n > 0; n-- {
		if strings.HasSuffix(text, form[:n]) {
			return n
		}
	}
	return 0
}
