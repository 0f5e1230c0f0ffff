package distribution

import (
	"fmt"
	"net/url"
)

// checkRealm refuses a token server that credentials must not be sent to: over plain
// http where that is not allowed, or inside a network that the user did not name.
// The registry is the host that named it.
func checkRealm(registry string, realm *url.URL, plainHTTP func(host string) bool) error {
	what := "the token server of " + registry
	switch {
	case realm.Host == "" || realm.Scheme != "https" && realm.Scheme != "http":
		return &redirectError{fmt.Sprintf("%s names a token server with an address that is none for https", registry)}
	case realm.Scheme == "http" && !plainHTTP(realm.Host):
		return &PlainHTTPError{Host: realm.Host, What: what}
	case plainHTTP(realm.Host) && !Loopback(realm.Host):
		return nil // the user named it
	}
	return checkAddress(&url.URL{Host: registry}, realm)
}
