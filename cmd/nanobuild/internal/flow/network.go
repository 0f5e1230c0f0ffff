package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// NetworkOptions are what a user can ask of every command that speaks to registries.
type NetworkOptions struct {
	Insecure      []string // hosts that are spoken to over plain http
	ChunkSize     int64    // bytes of an upload per request; 0 is the whole blob
	SkipPushCheck bool     // the right to push shows when something is pushed
	RegistryMap   []string // mirrors of bases: HOST/PATH=HOST/PATH
}

// open returns the way to all registries of a run.
func (o NetworkOptions) open(d Deps) *distribution.Network {
	return distribution.NewNetwork(distribution.NetworkOptions{
		Transport: d.Transport, UserAgent: d.UserAgent, ChunkSize: o.ChunkSize, PlainHTTP: o.plainHTTP,
		Notice: func(message string) { d.Log.Info(message) }, Secrets: d.Secrets, Policy: d.Policy,
	})
}

// plainHTTP says whether a registry may be spoken to without TLS.
func (o NetworkOptions) plainHTTP(host string) bool {
	return distribution.Loopback(host) || slices.ContainsFunc(o.Insecure, func(h string) bool { return distribution.SameHost(h, host) })
}

// mirrors are the places where bases are looked for first.
func (o NetworkOptions) mirrors() ([]base.Mirror, error) {
	var all []base.Mirror
	for _, s := range o.RegistryMap {
		m, err := base.ParseMirror(s)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// check finds mistakes in the hosts before anybody is asked.
func (o NetworkOptions) check() error {
	return each(o.Insecure, func(host string) error { return CheckHost("--insecure", host) })
}

// CheckHost refuses a value of a flag that would never equal the host of a registry.
func CheckHost(flag, host string) error {
	_, rest, scheme := strings.Cut(host, "://")
	if !scheme {
		rest = host
	}
	bare, _, path := strings.Cut(rest, "/")
	if scheme || path || bare == "" {
		return fmt.Errorf("%s %q is not a host: give host or host:port, such as %s %s", flag, host, flag, orExample(bare))
	}
	return nil
}

func orExample(host string) string {
	if host == "" {
		return "registry.example.com:5000"
	}
	return host
}
