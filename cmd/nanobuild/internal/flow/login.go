package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/nanobuild/nanobuild/publish/credentials"
)

// LoginOptions say who logs in where.
type LoginOptions struct {
	Registry string // a host, with its port
	User     string // "<token>" where Password is an identity token
	Password string
	NetworkOptions
}

// Account is what is stored for a registry.
type Account struct {
	Registry string            // its host
	Where    credentials.Where // the zero value is nowhere
}

// Login asks the registry whether it takes the credentials, and stores them if it
// does.
func Login(ctx context.Context, o LoginOptions, d Deps) (Account, error) {
	d.Secrets.Add(o.Password)
	registry, err := parseRegistry(o.Registry)
	if err := errors.Join(err, o.check()); err != nil {
		return Account{}, at(StageUsage, err)
	}
	host := registry.RegistryStr()
	given := authn.AuthConfig{Username: o.User, Password: o.Password}
	if o.User == credentials.IdentityUser {
		given = authn.AuthConfig{IdentityToken: o.Password}
	}
	if err := o.open(d).Login(ctx, registry, given); err != nil {
		return Account{}, at(StagePush, err)
	}
	where, err := d.store().Save(ctx, credentials.Login{Host: host, User: o.User, Password: o.Password})
	return Account{host, where}, err
}

// Logout forgets the stored credentials of a registry, and says where they were,
// if they were anywhere.
func Logout(ctx context.Context, text string, d Deps) (Account, error) {
	registry, err := parseRegistry(text)
	if err != nil {
		return Account{}, at(StageUsage, err)
	}
	host := registry.RegistryStr()
	where, err := d.store().Remove(ctx, host)
	if err != nil {
		return Account{}, err
	}
	if source := d.Keychain.For(host).Source(ctx, registry); source != "" {
		d.Log.Warn(fmt.Sprintf("%s still has credentials: %s", host, source))
	}
	return Account{host, where}, nil
}

func (d Deps) store() credentials.Store {
	return credentials.Store{File: credentials.DockerFile(d.Environ, d.Home), Home: d.Home}
}

// parseRegistry reads the name of a registry, which people also write as the
// address of its API.
func parseRegistry(text string) (name.Registry, error) {
	host := text
	for _, scheme := range []string{"https://", "http://"} {
		host = strings.TrimPrefix(host, scheme)
	}
	host, path, _ := strings.Cut(host, "/")
	switch path = strings.Trim(path, "/"); {
	case host == "":
		return name.Registry{}, fmt.Errorf("%q names no registry: write a host, such as ghcr.io or registry.example.com:5000", text)
	case path != "" && path != "v1" && path != "v2":
		return name.Registry{}, fmt.Errorf("%s is a repository: log in to its registry, %s", text, host)
	}
	registry, err := name.NewRegistry(strings.ToLower(host))
	if err != nil {
		return registry, fmt.Errorf("%q names no registry: write a host, such as ghcr.io or registry.example.com:5000", text)
	}
	return registry, nil
}
