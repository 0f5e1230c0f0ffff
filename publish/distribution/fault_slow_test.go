package distribution_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"
)

// pieces is in how many a slow body comes.
const pieces = 12

// dripIn reads the request's body in small pieces, each just before the client would
// lose patience.
func dripIn() fault {
	return fault{"request read in slow drips", withBody, func(x *exchange) {
		all := make([]byte, x.r.ContentLength)
		for rest := all; len(rest) > 0; {
			x.drip()
			n, err := io.ReadFull(x.r.Body, rest[:min(len(rest), len(all)/pieces+1)])
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			rest = rest[n:]
		}
		x.r.Body = io.NopCloser(bytes.NewReader(all))
		x.next.ServeHTTP(x.w, x.r)
	}}
}

// dripOut sends the answer's body in small pieces.
func dripOut() fault {
	return fault{"answer in slow drips", content, func(x *exchange) {
		a := x.answer()
		all := a.body
		step := len(all)/pieces + 1
		x.write(a, nil, len(all))
		for len(all) > 0 {
			x.drip()
			n := min(step, len(all))
			_, _ = x.w.Write(all[:n])
			_ = http.NewResponseController(x.w).Flush()
			all = all[n:]
		}
	}}
}

func (x *exchange) drip() {
	x.costs(x.pace.drip)
	x.sleep(x.pace.drip)
}

// slowCommit is a registry that is silent for minutes after the last byte of an
// upload, and then answers.
func slowCommit() fault {
	return fault{"long silence before the answer to an upload", withBody, func(x *exchange) {
		a := x.answer()
		x.costs(x.pace.commit)
		x.sleep(x.pace.commit)
		x.write(a, a.body, len(a.body))
	}}
}

// buffered is what can be on its way, in bytes: a smaller body is sent before anybody
// notices that nobody reads it.
const buffered = 64 << 10

// stallInRequest stops reading in the middle of the request's body.
func stallInRequest() fault {
	large := func(r *http.Request) bool { return uploadBody(r) && r.ContentLength > 2*buffered }
	return fault{"stall in the request's body", large, func(x *exchange) {
		_, _ = io.CopyN(io.Discard, x.r.Body, x.dice.Int64N(x.r.ContentLength-buffered))
		x.costs(x.pace.stall)
		x.hold()
		panic(http.ErrAbortHandler)
	}}
}

// stallInAnswer stops in the middle of the answer's body.
func stallInAnswer() fault {
	return fault{"stall in the answer's body", content, func(x *exchange) {
		a := x.answer()
		x.write(a, a.body[:x.inside(len(a.body))], len(a.body))
		x.costs(x.pace.stall)
		x.hold()
		panic(http.ErrAbortHandler)
	}}
}

// noAnswer reads the whole request and never answers, whether it was done or not.
func noAnswer(done bool, hits func(*http.Request) bool) fault {
	return fault{fmt.Sprintf("no answer, request done: %t", done), hits, func(x *exchange) {
		if done {
			x.answer()
		} else {
			_, _ = io.Copy(io.Discard, x.r.Body)
		}
		x.costs(x.limit())
		x.hold()
		panic(http.ErrAbortHandler)
	}}
}

// limit is how long the client waits for the answer.
func (x *exchange) limit() time.Duration {
	if question(x.r) || x.r.Method == http.MethodDelete {
		return x.pace.question
	}
	return x.pace.answer
}
