package distribution

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Login asks a registry whether it takes the credentials, and for no right to any
// repository. A registry that lets everybody in takes all. It fails with an *[Error]
// whose Repository has no path, of kind [Unauthorized] where they are refused.
func (n *Network) Login(ctx context.Context, registry name.Registry, given authn.AuthConfig) error {
	// Credentials for pushing are never exchanged for none.
	r := n.Repository(registry.Repo(""), only{given}, Push)
	r.access.scopes = nil
	err := r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{method: http.MethodGet, url: &url.URL{Host: registry.RegistryStr(), Path: "/v2/"}}, http.StatusOK)
		if err == nil {
			finish(resp)
		}
		return err
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("log in to %s: %w", registry, context.Cause(ctx))
	}
	kind, try := r.diagnose(ctx, err)
	switch kind {
	case Unauthorized:
		try = "check the user name and the password; many registries want a token in place of the password"
		if given.IdentityToken != "" {
			try = "get a new identity token"
		}
	case NotFound:
		try = "check the name: " + registry.RegistryStr() + " does not answer like a registry"
	}
	return &Error{Doing: "log in to", Repository: r.name, Kind: kind, Err: err, Try: try, secrets: n.o.Secrets}
}

// only is a keychain with one entry.
type only struct{ config authn.AuthConfig }

func (o only) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(o.config), nil
}
