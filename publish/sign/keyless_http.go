package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// The bounds of one answer of a service.
const (
	maxReply    = 4 << 20 // bytes; entries of a log and chains of certificates have some thousand
	maxMessage  = 300     // bytes of it that an error shows
	askDuration = 30 * time.Second
)

// usualPauses are the waits before a request that found a service ill is repeated.
func usualPauses() []time.Duration { return []time.Duration{500 * time.Millisecond, 2 * time.Second} }

// service is one that is asked over HTTP.
type service struct {
	what    string // such as "the certificate authority"
	address string // without a slash at its end
	flag    string // that names it; "" for none
	via     http.RoundTripper
	pauses  []time.Duration
	secrets []string // that an error must not show
}

// reply is what a service answered.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r *reply) ok() bool { return r.status/100 == 2 }

// serviceError says what a service answered, or why it did not.
type serviceError struct {
	service service
	status  int   // 0 where there was no answer
	err     error // without an answer
	message string
	try     string // one part of a sentence; may be ""
}

func (e *serviceError) Error() string {
	text := fmt.Sprintf("ask %s %s", e.service.what, e.service.address)
	if e.status == 0 {
		text += ": " + e.service.redact(e.err.Error())
	} else {
		text += fmt.Sprintf(": it answers %d %s", e.status, http.StatusText(e.status))
	}
	if e.message != "" {
		text += ": " + e.message
	}
	if e.try != "" {
		text += "; " + e.try
	}
	return text
}

func (e *serviceError) Unwrap() error { return e.err }

// ask sends a request, again where the service is ill or busy, and returns its answer,
// whatever the status. A redirect is none: nobody has said that its target may see what
// is sent.
func (s service) ask(ctx context.Context, method, path string, header http.Header, body []byte) (*reply, error) {
	for attempt := 0; ; attempt++ {
		got, err := s.once(ctx, method, path, header, body)
		if ctx.Err() != nil {
			return nil, &serviceError{service: s, err: context.Cause(ctx)}
		}
		ill := err != nil || got.status == http.StatusTooManyRequests || got.status/100 == 5
		if !ill || attempt == len(s.pauses) {
			return s.judge(got, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.pauses[attempt]):
		}
	}
}

// judge makes errors of a lost request and of a redirect.
func (s service) judge(got *reply, err error) (*reply, error) {
	if err != nil {
		return nil, &serviceError{service: s, err: err, try: s.hint("check the address")}
	}
	if got.status/100 != 3 {
		return got, nil
	}
	to := "elsewhere"
	if target, err := url.Parse(got.header.Get("Location")); err == nil && target.Host != "" {
		to = "to " + target.Host
	}
	return nil, &serviceError{service: s, status: got.status, message: "it leads " + to, try: s.hint("name the address itself")}
}

// hint is a proposal with the flag that names the service.
func (s service) hint(proposal string) string {
	if s.flag == "" {
		return ""
	}
	return proposal + " (" + s.flag + ")"
}

// once sends a request and reads the whole answer.
func (s service) once(ctx context.Context, method, path string, header http.Header, body []byte) (*reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askDuration, fmt.Errorf("no answer within %s", askDuration))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "nanobuild")
	client := &http.Client{Transport: s.via, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, reason(ctx, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return nil, reason(ctx, err)
	}
	if len(text) > maxReply {
		return nil, fmt.Errorf("its answer has more than %d MiB", maxReply>>20)
	}
	return &reply{status: resp.StatusCode, header: resp.Header, body: text}, nil
}

// reason leaves out the request, which the error names anyway, and says why a context
// has ended.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if inner := (*url.Error)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// refusal is the error for an answer that is none of those that were hoped for.
func (s service) refusal(got *reply, try string) *serviceError {
	return &serviceError{service: s, status: got.status, message: s.message(got), try: try}
}

// message is what an answer says, on one line, cut, and without secrets. Services of
// sigstore say it as {"code":…,"message":…}; others may have a whole page, of which
// nothing is shown.
func (s service) message(got *reply) string {
	var said struct {
		Message string `json:"message"`
	}
	text := string(got.body)
	if json.Unmarshal(got.body, &said) == nil && said.Message != "" {
		text = said.Message
	} else if strings.HasPrefix(strings.TrimSpace(text), "<") {
		return ""
	}
	return oneLine(s.redact(text), maxMessage)
}

func (s service) redact(text string) string {
	for _, secret := range s.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

// oneLine is a text of somebody else's as an error may show it.
func oneLine(text string, most int) string {
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	printable = strings.Join(strings.Fields(printable), " ")
	if len(printable) > most {
		printable = strings.ToValidUTF8(printable[:most], "") + "…"
	}
	return printable
}

// checkAddress refuses what is no address of a service. One that is sent tokens must
// not be asked in the clear, unless it is on this machine.
func checkAddress(flag, address string, tokens bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s is no http address; write it as https://HOST", flag)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%s has more than a host and a path; write it as https://HOST", flag)
	case tokens && u.Scheme == "http" && !onThisMachine(u.Hostname()):
		return fmt.Errorf("%s http://%s would be sent the identity token in the clear; use https", flag, u.Host)
	}
	return nil
}

func onThisMachine(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.IsLoopback()
	}
	return host == "localhost"
}
