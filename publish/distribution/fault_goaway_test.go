package distribution_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
)

// Frames of HTTP/2. https://www.rfc-editor.org/rfc/rfc9113#section-4.1
const (
	frameHeader  = 9 // bytes
	frameHeaders = 1 // the type that opens a stream
	frameGoAway  = 7
	preface      = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
)

// goAway is a server of HTTP/2 that is about to end: it finishes what it has, and
// takes nothing new on this connection.
func goAway() fault {
	return fault{"GOAWAY", anyRequest, func(x *exchange) {
		x.w.Header().Set("Connection", "close") // net/http's way to ask for it
		x.next.ServeHTTP(x.w, x.r)
	}}
}

// goAwayAtOnce is one that ends now, and may or may not have seen the last request.
func goAwayAtOnce() fault {
	return fault{"GOAWAY and the connection closed", anyRequest, func(x *exchange) {
		conn, ok := x.r.Context().Value(connKey{}).(*framed)
		if !ok {
			panic(http.ErrAbortHandler)
		}
		seen := x.dice.IntN(2) > 0
		if seen {
			x.answer()
		}
		conn.goAway(seen)
		panic(http.ErrAbortHandler)
	}}
}

// connKey is for the connection of a request, in its context.
type connKey struct{}

// withConn is the ConnContext of servers whose faults need the connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// framedListener makes connections on which frames are counted.
type framedListener struct{ net.Listener }

func (l framedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &framed{Conn: c, in: frames{skip: preface}}, nil
}

// framed is the server's end of a connection of HTTP/2 without TLS. It follows the
// frames, so that one more can be sent between two of the server's.
type framed struct {
	net.Conn

	reading sync.Mutex
	in      frames

	writing sync.Mutex
	out     frames
	ending  *uint32 // the last stream of a GOAWAY that waits for the end of a frame
	ended   bool
}

func (f *framed) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	f.reading.Lock()
	defer f.reading.Unlock()
	for rest := b[:n]; len(rest) > 0; {
		rest = rest[f.in.next(rest):]
	}
	return n, err
}

func (f *framed) Write(b []byte) (int, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	var done int
	for done < len(b) {
		if f.end() {
			return done, io.ErrClosedPipe
		}
		n, err := f.Conn.Write(b[done : done+f.out.next(b[done:])])
		done += n
		if err != nil {
			return done, err
		}
	}
	f.end()
	return done, nil
}

// goAway ends the connection as soon as a frame ends. Whether the server admits to
// have seen the last stream is said.
func (f *framed) goAway(seen bool) {
	f.reading.Lock()
	last := f.in.stream
	f.reading.Unlock()
	if !seen && last >= 2 {
		last -= 2
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	f.ending = &last
	f.end()
}

// end sends the GOAWAY that waits, if no frame is half written, and closes.
func (f *framed) end() bool {
	if f.ending == nil || !f.out.between() || f.ended {
		return f.ended
	}
	frame := make([]byte, frameHeader+8) // no error code, no text
	frame[2], frame[3] = 8, frameGoAway
	binary.BigEndian.PutUint32(frame[frameHeader:], *f.ending)
	_, _ = f.Conn.Write(frame)
	_ = f.Close()
	f.ended = true
	return true
}

// frames follows a stream of frames.
type frames struct {
	skip   int // bytes before the next header
	header []byte
	stream uint32 // the highest one opened
}

// next says how many of the bytes belong to one part: a piece of a header, or of a
// frame's content.
func (f *frames) next(b []byte) int {
	if f.skip > 0 {
		n := min(f.skip, len(b))
		f.skip -= n
		return n
	}
	n := min(frameHeader-len(f.header), len(b))
	f.header = append(f.header, b[:n]...)
	if len(f.header) == frameHeader {
		f.skip = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
		if f.header[3] == frameHeaders {
			f.stream = max(f.stream, binary.BigEndian.Uint32(f.header[5:])&^(1<<31))
		}
		f.header = f.header[:0]
	}
	return n
}

// between is true where no frame is half through.
func (f *frames) between() bool { return f.skip == 0 && len(f.header) == 0 }
