package credentials

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"
)

// helperName is what a helper may be called: what follows in a config file ends
// up in the name of a program, so nothing in it may lead elsewhere.
var helperName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// checkHelper refuses names that could start another program.
func checkHelper(helper string) error {
	if helperName.MatchString(helper) {
		return nil
	}
	return fmt.Errorf("%q is no name of a credential helper: only letters, digits, dots, dashes and underscores may be in it", helper)
}

func programName(helper string) string { return "docker-credential-" + helper }

// helpers asks helper programs, each once per host however many ask.
type helpers struct {
	program func(name string) client.ProgramFunc

	mu    sync.Mutex
	calls map[[2]string]*helperCall
}

// helperCall is one question to a helper. Its fields are set when done is closed.
type helperCall struct {
	done  chan struct{}
	auth  authn.AuthConfig
	known bool
	err   error
}

func newHelpers(program func(string) client.ProgramFunc) *helpers {
	return &helpers{program: programOr(program), calls: map[[2]string]*helperCall{}}
}

func programOr(program func(string) client.ProgramFunc) func(string) client.ProgramFunc {
	if program == nil {
		return client.NewShellProgramFunc
	}
	return program
}

// get returns what the helper has for a server, and false if that is nothing.
// A helper that waits for its user goes on when the context ends, for others
// may be waiting too.
func (h *helpers) get(ctx context.Context, helper, server string) (authn.AuthConfig, bool, error) {
	h.mu.Lock()
	key := [2]string{helper, server}
	call := h.calls[key]
	if call == nil {
		call = &helperCall{done: make(chan struct{})}
		h.calls[key] = call
		go func() {
			defer close(call.done)
			call.auth, call.known, call.err = askHelper(h.program(programName(helper)), server)
		}()
	}
	h.mu.Unlock()
	select {
	case <-call.done:
		return call.auth, call.known, call.err
	case <-ctx.Done():
		return authn.AuthConfig{}, false, context.Cause(ctx)
	}
}

func askHelper(start client.ProgramFunc, server string) (authn.AuthConfig, bool, error) {
	var ran lastRun
	found, err := client.Get(ran.watch(start), server)
	switch {
	case credentials.IsErrCredentialsNotFound(err):
		return authn.AuthConfig{}, false, nil
	case err != nil:
		return authn.AuthConfig{}, false, ran.explain()
	case found.Username == "" && found.Secret == "":
		return authn.AuthConfig{}, false, nil
	}
	return fromPair(found.Username, found.Secret), true, nil
}

// tellHelper runs one of the actions that return nothing, store and erase.
func tellHelper(ctx context.Context, start client.ProgramFunc, action func(client.ProgramFunc) error) error {
	result := make(chan error, 1)
	go func() {
		var ran lastRun
		err := action(ran.watch(start))
		if err != nil {
			err = ran.explain()
		}
		result <- err
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lastRun keeps how a helper ended: the client library's own errors quote all of
// its output, which may hold the secret.
type lastRun struct {
	out []byte
	err error
}

func (l *lastRun) watch(start client.ProgramFunc) client.ProgramFunc {
	return func(args ...string) client.Program { return watched{Program: start(args...), last: l} }
}

type watched struct {
	client.Program
	last *lastRun
}

func (w watched) Output() ([]byte, error) {
	w.last.out, w.last.err = w.Program.Output()
	return w.last.out, w.last.err
}

// maxHelperText is how much of a helper's message is shown, in bytes.
const maxHelperText = 200

func (l *lastRun) explain() error {
	if l.err == nil {
		return errors.New("its answer is not the JSON of a credential helper")
	}
	text := strings.Join(strings.Fields(string(l.out)), " ")
	if text == "" || strings.Contains(text, "{") {
		return l.err
	}
	if len(text) > maxHelperText {
		text = strings.ToValidUTF8(text[:maxHelperText], "") + "…"
	}
	return fmt.Errorf("%w: %s", l.err, text)
}
