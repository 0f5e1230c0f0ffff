package distribution

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// catalogScope is what a token must be good for that opens the catalog.
//
// https://distribution.github.io/distribution/spec/auth/scope/#resource-type
const catalogScope = "registry:catalog:*"

// Names as the protocol has them, since they become parts of addresses.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
var (
	repositoryName = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagName        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// Catalog returns those names of the registry's repositories that keep takes, each
// once and in the registry's order; what is no name of a repository is left out. Of
// many it reads page after page, up to 5000 pages and 200,000 names that keep takes; a
// page may have 4 MiB.
//
// It fails with an *[Error] whose Repository has no path. Large public registries have
// no catalog for anybody, and answer with one of the kinds [NotFound], [Unauthorized]
// and [Refused].
//
// https://distribution.github.io/distribution/spec/api/#catalog
func (n *Network) Catalog(ctx context.Context, registry name.Registry, keychain authn.Keychain, keep func(repo string) bool) ([]string, error) {
	r := n.Repository(registry.Repo(""), keychain, Pull)
	r.access.scopes = []string{catalogScope}
	names, err := r.list(ctx, &url.URL{Host: registry.RegistryStr(), Path: "/v2/_catalog"}, func(p *listPage) []string { return p.Repositories }, func(repo string) bool {
		return repositoryName.MatchString(repo) && keep(repo)
	})
	return names, r.explainListing(ctx, "list the repositories of", err)
}

// Tags returns those of the repository's tags that keep takes, as Catalog does. A
// repository without any may be an [Error] of the kind [NotFound].
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
func (r *Repository) Tags(ctx context.Context, keep func(tag string) bool) ([]string, error) {
	tags, err := r.list(ctx, r.at("/tags/list"), func(p *listPage) []string { return p.Tags }, func(tag string) bool {
		return tagName.MatchString(tag) && keep(tag)
	})
	return tags, r.explainListing(ctx, "list the tags of", err)
}

// explainListing is explain without advice on tags and digests, since none was asked
// for.
func (r *Repository) explainListing(ctx context.Context, doing string, err error) error {
	err = r.explain(ctx, doing, err)
	if e, ok := err.(*Error); ok && e.Kind == NotFound { //nolint:errorlint // made a line above
		e.Try = ""
	}
	return err
}

// list reads the pages of a list from their first address on.
func (r *Repository) list(ctx context.Context, at *url.URL, names func(*listPage) []string, keep func(string) bool) ([]string, error) {
	q := at.Query()
	q.Set("n", pageSize)
	at.RawQuery = q.Encode()
	l := listing{keep: keep, seen: map[string]bool{}, asked: map[string]bool{}}
	for at != nil {
		var page listPage
		err := r.try(ctx, func(ctx context.Context) error {
			resp, err := r.send(ctx, request{method: http.MethodGet, url: at}, http.StatusOK)
			if err != nil {
				return err
			}
			defer finish(resp)
			page, err = readPage(resp)
			return err
		})
		if err != nil {
			return nil, err
		}
		if err := l.add(at, names(&page)); err != nil {
			return nil, err
		}
		at = page.next
	}
	return l.found, nil
}
