package publish

import (
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// pathComponent is the grammar of one part of a repository name.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
var (
	pathComponent = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)
	tagAtEnd      = regexp.MustCompile(`:[^/:]*$`)
)

const maxRepository = 255

// ParseRepo reads a repository such as "ghcr.io/acme/app". What is no repository is
// a [UsageError], with the corrected value where there is one.
func ParseRepo(s string) (name.Repository, error) {
	fail := func(reason, try string) (name.Repository, error) {
		return name.Repository{}, &UsageError{What: "repository", Value: s, Reason: reason, Try: try}
	}
	if s == "" {
		return fail("is empty", "registry.example.com/team/app")
	}
	if bare, ok := cutScheme(s); ok {
		return fail("a repository has no scheme", correctedRepo(bare))
	}
	if strings.HasSuffix(s, "/") {
		return fail("a slash at the end makes it the prefix for several projects; one project needs the whole name", correctedRepo(s+"app"))
	}
	if base, digest, ok := strings.Cut(s, "@"); ok {
		return fail("a push cannot choose the digest "+digest, correctedRepo(base))
	}
	host, path := splitHost(s)
	if path != "" && tagAtEnd.MatchString(path) || host == "" && tagAtEnd.MatchString(s) {
		at := strings.LastIndex(s, ":")
		if portAtEnd.MatchString(s) && host == "" {
			return fail("a registry alone is no repository", correctedRepo(s+"/app"))
		}
		try := correctedRepo(s[:at])
		if tag := correctedTag(s[at+1:]); try != "" && tag != "" {
			try += " with -t " + tag
		}
		return fail("the tag is given apart", try)
	}
	if reason := badPath(host, path); reason != "" {
		return fail(reason, correctedRepo(s))
	}
	return newRepository(host, path, fail)
}

// portAtEnd finds "localhost:5000": a registry whose port looks like a tag.
var portAtEnd = regexp.MustCompile(`^[^/]*:[0-9]{2,5}$`)

func newRepository(host, path string, fail func(reason, try string) (name.Repository, error)) (name.Repository, error) {
	full := path
	if host != "" {
		full = host + "/" + path
	}
	repo, err := name.NewRepository(full)
	if err != nil {
		return fail(err.Error(), "")
	}
	return repo, nil
}

// Prefix is where several images go: prefix + name.
type Prefix struct {
	prefix string // with its slash
}

// ParsePrefix reads a prefix such as "ghcr.io/acme/". It fails with a [UsageError].
func ParsePrefix(s string) (Prefix, error) {
	if bare, ok := cutScheme(s); ok {
		return Prefix{}, &UsageError{What: "repository prefix", Value: s, Reason: "a repository has no scheme", Try: bare}
	}
	if !strings.HasSuffix(s, "/") {
		return Prefix{}, &UsageError{What: "repository prefix", Value: s, Reason: "several projects need a prefix that ends in a slash, so that each gets a repository of its own", Try: s + "/"}
	}
	p := Prefix{prefix: s}
	if _, err := p.Repo("app"); err != nil {
		return Prefix{}, err
	}
	return p, nil
}

// Repo returns the repository of the project called repository below the prefix.
func (p Prefix) Repo(repository string) (name.Repository, error) {
	return ParseRepo(p.prefix + repository)
}

// String returns the prefix with its slash.
func (p Prefix) String() string { return p.prefix }

// splitHost separates the registry from the path by Docker's rule: the first part
// is a host if it has a dot or a port, or is localhost.
func splitHost(s string) (host, path string) {
	first, rest, ok := strings.Cut(s, "/")
	if ok && (strings.EqualFold(first, "localhost") || strings.ContainsAny(first, ".:")) {
		return first, rest
	}
	return "", s
}

// badPath says what is wrong with a host and a repository path, or "".
func badPath(host, path string) string {
	if host != strings.ToLower(host) {
		return "the registry has capital letters"
	}
	if host == "" && !strings.Contains(path, "/") {
		return "it names no registry"
	}
	if len(path) > maxRepository {
		return "the name is longer than 255 characters"
	}
	for _, part := range strings.Split(path, "/") {
		switch {
		case part == "":
			return "it has an empty part between slashes"
		case part != strings.ToLower(part):
			return "repositories are written in small letters"
		case !pathComponent.MatchString(part):
			return "its part \"" + part + "\" is not made of a-z and 0-9, joined by single . or _, __ or any number of -"
		}
	}
	return ""
}

// correctedRepo returns the nearest valid repository to s, or "".
func correctedRepo(s string) string {
	host, path := splitHost(strings.TrimSpace(s))
	if path != "" && host != "" || !portAtEnd.MatchString(s) {
		path = tagAtEnd.ReplaceAllString(path, "")
	}
	var parts []string
	for _, part := range strings.Split(strings.ToLower(path), "/") {
		if part = correctedComponent(part); part != "" {
			parts = append(parts, part)
		}
	}
	if host == "" && len(parts) == 1 {
		host = "registry.example.com"
	}
	host, path = strings.ToLower(host), strings.Join(parts, "/")
	if _, err := name.NewRegistry(host); err != nil || badPath(host, path) != "" {
		return ""
	}
	return strings.TrimPrefix(host+"/"+path, "/")
}

var (
	noComponentRun = regexp.MustCompile(`[^a-z0-9._-]+`)
	separatorRun   = regexp.MustCompile(`[._-]*[._][._-]*`)
)

// correctedComponent makes a path component of s, which may end up empty.
func correctedComponent(s string) string {
	s = noComponentRun.ReplaceAllString(s, "-")
	s = separatorRun.ReplaceAllStringFunc(s, func(run string) string {
		if len(run) == 1 || run == "__" {
			return run
		}
		return "-"
	})
	return strings.Trim(s, "._-")
}

// cutScheme removes "https://", "docker://" and the like.
func cutScheme(s string) (string, bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || strings.ContainsAny(scheme, "/.@") {
		return s, false
	}
	return rest, true
}

// SplitRegistry takes apart a ContainerRegistry, which people also write with a
// scheme, a path or a slash at the end: "https://registry.corp/team/" is the host
// registry.corp and the prefix "team/". The prefix is empty or ends in a slash.
func SplitRegistry(containerRegistry string) (host, prefix string) {
	s, _ := cutScheme(strings.TrimSpace(containerRegistry))
	host, prefix, _ = strings.Cut(s, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return host, prefix
}

// StripRegistry removes host from the start of a ContainerRepository that repeats
// it, and tells whether it did.
func StripRegistry(host, repository string) (string, bool) {
	bare, _ := cutScheme(strings.TrimSpace(repository))
	first, rest, ok := strings.Cut(bare, "/")
	if ok && host != "" && strings.EqualFold(first, host) {
		return rest, true
	}
	return repository, false
}
