package base

import (
	"errors"
	"fmt"
	"strings"
)

// What Resolve's errors can be asked for with errors.Is.
var (
	ErrNotFound     = errors.New("not found")                    // registry, layout and archive
	ErrUnauthorized = errors.New("not authorised")               // refused by a registry
	ErrUnreachable  = errors.New("the registry cannot be asked") // network, proxy, TLS, or a registry in trouble
)

// explainAlias adds to an error what a name without a registry leads to. What is
// refused or not there is no matter of rights or of spelling then.
func explainAlias(err error, given string) error {
	failed, ok := err.(*RemoteError) //nolint:errorlint // one that is wrapped is about a part of an image that is there
	if !ok || !isAlias(given) || !elsewhere(err) {
		return err
	}
	if errors.Is(err, ErrUnreachable) {
		return fmt.Errorf("%w; %s", err, noDaemon(given))
	}
	return &RemoteError{Kind: failed.Kind, Reason: failed.Reason, Try: noDaemon(given), Err: err}
}

func noDaemon(given string) string {
	return fmt.Sprintf("%[1]s names no registry, so Docker Hub was asked; images of the local Docker daemon are not read: "+
		"give tar:base.tar after docker save -o base.tar %[1]s, or push it to a registry and give its name there", given)
}

// isAlias says whether a reference names no registry, as images do that exist in
// a local Docker only. Short names are none of those.
func isAlias(given string) bool {
	given = Expand(given)
	first, rest, ok := strings.Cut(given, "/")
	return !ok || rest == "" || !strings.ContainsAny(first, ".:") && first != "localhost"
}
