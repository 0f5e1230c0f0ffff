package distribution_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
)

// resetEarly is a connection that breaks before the request's body is read.
func resetEarly() fault {
	return fault{"reset before the request is read", anyRequest, func(x *exchange) { x.reset() }}
}

// closedEarly is a connection that ends in order, without an answer.
func closedEarly() fault {
	return fault{"closed without an answer", anyRequest, func(x *exchange) {
		_, _ = io.Copy(io.Discard, x.r.Body)
		panic(http.ErrAbortHandler)
	}}
}

// resetInRequest is a connection that breaks in the middle of the request's body.
// The registry gets what came.
func resetInRequest() fault {
	return fault{"reset in the request's body", withBody, func(x *exchange) {
		part := x.readPart()
		r := x.r.Clone(x.r.Context())
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(part), broken{}))
		x.next.ServeHTTP(newKept(), r)
		x.reset()
	}}
}

// answerLost is a connection that breaks when all is done, before the answer.
func answerLost() fault {
	return fault{"done, but the answer lost", anyRequest, func(x *exchange) {
		x.answer()
		x.reset()
	}}
}

// resetInAnswer is a connection that breaks in the middle of the answer's body.
func resetInAnswer() fault {
	return fault{"reset in the answer's body", content, func(x *exchange) {
		a := x.answer()
		x.write(a, a.body[:x.inside(len(a.body))], len(a.body))
		x.reset()
	}}
}

// broken is a body that cannot be read.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// readPart reads a part of the request's body, at least a byte and not all.
func (x *exchange) readPart() []byte {
	part := make([]byte, x.inside(int(x.r.ContentLength)))
	n, _ := io.ReadFull(x.r.Body, part)
	return part[:n]
}

// inside returns a number from 1 to size-1, as far as there is one.
func (x *exchange) inside(size int) int {
	if size < 2 {
		return max(size, 0)
	}
	return 1 + x.dice.IntN(size-1)
}

// answer lets the registry answer, and keeps that.
func (x *exchange) answer() *kept {
	a := newKept()
	x.next.ServeHTTP(a, x.r)
	return a
}

// write answers as a does, but with that body, of which size bytes are promised.
func (x *exchange) write(a *kept, body []byte, size int) {
	copyHeader(x.w.Header(), a.header)
	if x.r.Method != http.MethodHead {
		x.w.Header().Set("Content-Length", strconv.Itoa(size))
	}
	x.w.WriteHeader(a.code)
	if len(body) > 0 {
		_, _ = x.w.Write(body)
	}
	_ = http.NewResponseController(x.w).Flush()
}

// reset breaks the connection, of which HTTP/2 only lets us break one stream.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	breakConn(conn)
}

// breakConn closes a connection so that the other end sees a reset.
func breakConn(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	switch c := conn.(type) {
	case *net.TCPConn:
		_ = c.SetLinger(0)
	case *framed:
		breakConn(c.Conn)
	case *wire:
		c.reset()
	}
	_ = conn.Close()
}
