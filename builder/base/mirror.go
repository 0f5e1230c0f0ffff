package base

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Mirror says where the repositories of a registry, or those below a path of it,
// can be read too.
type Mirror struct{ from, to prefix }

// Host is the registry that is asked first.
func (m Mirror) Host() string { return m.to.host }

// prefix is a registry, or a path of one.
type prefix struct {
	host string
	path string // without slashes at its ends; may be ""
}

func (p prefix) String() string {
	host := p.host
	if host == name.DefaultRegistry {
		host = dockerHub
	}
	return strings.TrimSuffix(host+"/"+p.path, "/")
}

// String returns the mirror as [ParseMirror] reads it.
func (m Mirror) String() string { return m.from.String() + "=" + m.to.String() }

// ParseMirror reads HOST[/PATH]=HOST[/PATH]: what lies below the left side can be
// read below the right one too. It fails for anything else, schemes, tags and equal
// sides among it.
func ParseMirror(s string) (Mirror, error) {
	left, right, ok := strings.Cut(s, "=")
	if !ok {
		return Mirror{}, mirrorError(s, errors.New("there is no ="))
	}
	from, err := parsePrefix(left)
	if err != nil {
		return Mirror{}, mirrorError(s, err)
	}
	to, err := parsePrefix(right)
	if err != nil {
		return Mirror{}, mirrorError(s, err)
	}
	if from == to {
		return Mirror{}, mirrorError(s, errors.New("both sides are the same"))
	}
	return Mirror{from, to}, nil
}

func mirrorError(s string, err error) error {
	return fmt.Errorf("--registry-map %q: %w; write HOST/PATH=HOST/PATH, such as mcr.microsoft.com/windows=registry.example.com/mcr/windows", s, err)
}

// hostPattern is a name or an address, with a port if there is one.
var hostPattern = regexp.MustCompile(`^(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9._-]*)(:[0-9]+)?$`)

func parsePrefix(s string) (prefix, error) {
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		return prefix{}, fmt.Errorf("leave %s:// away", scheme)
	}
	host, path, below := strings.Cut(s, "/")
	if !strings.ContainsAny(host, ".:") && host != "localhost" {
		return prefix{}, fmt.Errorf("%q begins with no host", s)
	}
	host = strings.ToLower(host)
	registry, err := name.NewRegistry(host)
	if err != nil || !hostPattern.MatchString(host) {
		return prefix{}, fmt.Errorf("%q is no host", host)
	}
	if !below {
		return prefix{registry.RegistryStr(), ""}, nil
	}
	if strings.ContainsAny(path, ":@") {
		return prefix{}, fmt.Errorf("%q has a tag or a digest", s)
	}
	if slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool { return strings.Trim(part, ".") == "" }) {
		return prefix{}, fmt.Errorf("%q has an empty part in its path", s)
	}
	if _, err := name.NewRepository(registry.RegistryStr() + "/" + path + "/below"); err != nil {
		return prefix{}, fmt.Errorf("%q is no path of repositories: small letters, digits and ._-/ are", path)
	}
	return prefix{registry.RegistryStr(), path}, nil
}

// placesOf returns where ref is looked for, in order: the mirrors of the longest
// prefix that it lies below, as they were given, and then what it names itself.
func placesOf(ref name.Reference, mirrors []Mirror) ([]name.Reference, error) {
	repo := ref.Context()
	longest := -1
	for _, m := range mirrors {
		if m.from.covers(repo) {
			longest = max(longest, len(m.from.path))
		}
	}
	var places []name.Reference
	for _, m := range mirrors {
		if !m.from.covers(repo) || len(m.from.path) < longest {
			continue
		}
		moved, err := m.move(repo)
		if err != nil {
			return nil, err
		}
		at := named(moved, ref)
		if moved.Name() != repo.Name() && !slices.ContainsFunc(places, func(p name.Reference) bool { return p.Name() == at.Name() }) {
			places = append(places, at)
		}
	}
	return append(places, ref), nil
}

// named is what has the tag or digest of ref in repo.
func named(repo name.Repository, ref name.Reference) name.Reference {
	if _, ok := ref.(name.Digest); ok {
		return repo.Digest(ref.Identifier())
	}
	return repo.Tag(ref.Identifier())
}

// covers says whether the repository is the prefix itself or lies below it.
func (p prefix) covers(repo name.Repository) bool {
	if !strings.EqualFold(repo.RegistryStr(), p.host) {
		return false
	}
	return p.path == "" || strings.HasPrefix(repo.RepositoryStr()+"/", p.path+"/")
}

// move returns where the mirror has a repository that its left side covers.
func (m Mirror) move(repo name.Repository) (name.Repository, error) {
	rest := strings.Trim(strings.TrimPrefix(repo.RepositoryStr(), m.from.path), "/")
	path := strings.Trim(m.to.path+"/"+rest, "/")
	if path == "" {
		return name.Repository{}, fmt.Errorf("--registry-map %s: give the path of %s there too", m, repo)
	}
	moved, err := name.NewRepository(m.to.host + "/" + path)
	if err != nil {
		return name.Repository{}, fmt.Errorf("--registry-map %s: %w", m, err)
	}
	return moved, nil
}
