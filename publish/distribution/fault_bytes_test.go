package distribution_test

import (
	"bytes"
	"io"
	"net/http"
)

// shortAnswer is a body that ends early, and cleanly: its length says the same.
func shortAnswer() fault {
	return fault{"clean but short answer", content, func(x *exchange) {
		a := x.answer()
		part := a.body[:x.inside(len(a.body))]
		x.write(a, part, len(part))
	}}
}

// longAnswer is a body with more bytes than it should have.
func longAnswer() fault {
	return fault{"answer with bytes too many", content, func(x *exchange) {
		a := x.answer()
		all := append(a.body, "and more of it"...)
		x.write(a, all, len(all))
	}}
}

// corruptAnswer is a body with one wrong bit.
func corruptAnswer() fault {
	return fault{"corrupted answer", content, func(x *exchange) {
		a := x.answer()
		x.flip(a.body)
		x.write(a, a.body, len(a.body))
	}}
}

// corruptRequest is a body with one wrong bit when it comes to the registry.
func corruptRequest() fault {
	return fault{"corrupted request", withBody, func(x *exchange) {
		all, err := readBody(x.r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		x.flip(all)
		x.r.Body = io.NopCloser(bytes.NewReader(all))
		a := x.answer()
		x.write(a, a.body, len(a.body))
	}}
}

func (x *exchange) flip(b []byte) {
	if len(b) > 0 {
		b[x.dice.IntN(len(b))] ^= 1 << x.dice.IntN(8)
	}
}

// cutJSON is a document that ends in the middle and has no digest to tell.
func cutJSON(hits func(*http.Request) bool) fault {
	return fault{"truncated JSON", hits, func(x *exchange) {
		a := x.answer()
		part := a.body[:len(a.body)/2]
		a.header.Del("Docker-Content-Digest")
		x.write(a, part, len(part))
	}}
}

// wrongRange answers a question for the rest of a blob with another part of it.
func wrongRange() fault {
	return fault{"another range than asked for", and(content, withRange), func(x *exchange) {
		a := x.answer()
		x.r.Header.Del("Range")
		whole := x.answer()
		all := whole.body
		start := x.dice.IntN(len(all))
		a.header.Set("Content-Range", rangeText(start, len(all)))
		part := &kept{code: http.StatusPartialContent, header: a.header}
		x.write(part, all[start:], len(all)-start)
	}}
}
