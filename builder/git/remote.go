package git

import "strings"

// stripUser removes user and password from the URL of a remote, in its two
// forms: https://user:password@host/path and user@host:path. See
// https://git-scm.com/docs/git-clone#_git_urls
func stripUser(remote string) string {
	scheme, rest, isURL := strings.Cut(remote, "://")
	if isURL {
		authority, path := rest, ""
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority, path = rest[:i], rest[i:]
		}
		// A password may hold an @ that is not escaped: the last one counts.
		return scheme + "://" + authority[strings.LastIndex(authority, "@")+1:] + path
	}
	// scp-like: the part before the first colon, which no slash precedes.
	host, path, isSCP := strings.Cut(remote, ":")
	if !isSCP || strings.Contains(host, "/") {
		return remote
	}
	// user:password@host:path is nothing that git knows, but people write it.
	if _, after, ok := strings.Cut(path, "@"); ok && !strings.Contains(host, "@") {
		if next, _, ok := strings.Cut(after, ":"); ok && !strings.Contains(path[:len(path)-len(after)]+next, "/") {
			return after
		}
	}
	return host[strings.LastIndex(host, "@")+1:] + ":" + path
}
