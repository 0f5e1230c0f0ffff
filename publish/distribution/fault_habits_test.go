package distribution_test

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// habit is what a registry, or what stands before it, always does. It wraps the
// registry's handler.
type habit func(next http.Handler) http.Handler

// bounded is a proxy that takes no large bodies, and says so without reading them.
func bounded(limit int64) habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > limit {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				_, _ = io.WriteString(w, strings.ReplaceAll(htmlPage, "Bad Gateway", "413 Request Entity Too Large"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// leastChunk is a registry that wants chunks of that size, and says so as the
// specification has it (OCI-Chunk-Min-Length).
func leastChunk(size int64) habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.Header().Set("OCI-Chunk-Min-Length", strconv.FormatInt(size, 10))
			}
			if r.Method == http.MethodPatch && r.ContentLength < size {
				answer{http.StatusRequestedRangeNotSatisfiable, `{"errors":[{"code":"SIZE_INVALID","message":"chunk too small"}]}`, nil}.write(w)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// noChunks refuses PATCH, as Google's registries do where a Range is named.
func noChunks(code int) habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch {
				_, _ = io.Copy(io.Discard, r.Body)
				answer{code, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`, nil}.write(w)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// patched changes the answers to chunks: ECR's is 201, pulp's 204, some have no
// Location, since it stays the same.
//
// https://github.com/openai/tart/issues/273, https://github.com/pulp/pulp_container/issues/2199
func patched(code int, dropped ...string) habit {
	return rewritten(func(r *http.Request, a *kept) {
		if r.Method != http.MethodPatch || a.code >= 300 {
			return
		}
		a.code = code
		for _, name := range dropped {
			a.header.Del(name)
		}
	})
}

// deafToChunks is ECR since 2026: what comes after the first chunk is accepted, and
// thrown away. https://github.com/aws/containers-roadmap/issues/2831
func deafToChunks(next http.Handler) http.Handler {
	var mu sync.Mutex
	first := map[string]http.Header{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPatch {
			next.ServeHTTP(w, r)
			return
		}
		id := path.Base(r.URL.Path)
		mu.Lock()
		header, again := first[id]
		mu.Unlock()
		if again {
			_, _ = io.Copy(io.Discard, r.Body)
			answer{http.StatusCreated, "", header}.write(w)
			return
		}
		a := newKept()
		next.ServeHTTP(a, r)
		if a.code == http.StatusAccepted {
			a.code = http.StatusCreated
			mu.Lock()
			first[id] = a.header.Clone()
			mu.Unlock()
		}
		answer{a.code, string(a.body), a.header}.write(w)
	})
}

// cookies is Harbor: who sends its cookie is taken for a browser, and refused.
func cookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			_, _ = io.Copy(io.Discard, r.Body)
			answer{http.StatusForbidden, `{"errors":[{"code":"FORBIDDEN","message":"CSRF token not found in request"}]}`, nil}.write(w)
			return
		}
		w.Header().Set("Set-Cookie", "sid=5f1e; Path=/; HttpOnly")
		next.ServeHTTP(w, r)
	})
}

// anonymousReads is Nexus: the handshake and reads are open to all, and only who
// writes is asked who he is.
func anonymousReads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, p, given := r.BasicAuth()
		if question(r) && !given || u == user && p == password {
			next.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("WWW-Authenticate", `Basic realm="Sonatype Nexus Repository Manager"`)
		answer{http.StatusUnauthorized, `{"errors":[{"code":"UNAUTHORIZED","message":"access to the requested resource is not authorized"}]}`, nil}.write(w)
	})
}

// basicAuth wants a password for everything.
func basicAuth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u == user && p == password {
			next.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("WWW-Authenticate", `Basic realm="Registry"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// hiding answers 403 where others answer 404, as Artifactory does.
func hiding(next http.Handler) http.Handler {
	return rewritten(func(r *http.Request, a *kept) {
		if question(r) && a.code == http.StatusNotFound {
			a.code = http.StatusForbidden
			a.body = []byte(`{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`)
			a.header.Del("Content-Length")
		}
	})(next)
}

// terse tells neither digest nor length of a manifest.
func terse(next http.Handler) http.Handler {
	return rewritten(func(r *http.Request, a *kept) {
		a.header.Del("Docker-Content-Digest")
		if r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/manifests/") {
			a.header.Del("Content-Length")
		}
	})(next)
}

// located changes the Location of uploads.
func located(change func(r *http.Request, to string) string) habit {
	return rewritten(func(r *http.Request, a *kept) {
		to := a.header.Get("Location")
		if p := strings.Index(to, "/v2/"); p >= 0 && strings.Contains(to, "/blobs/uploads/") {
			a.header.Set("Location", change(r, to[p:]))
		}
	})
}

// noMounts answers a wish to mount with a refusal, or begins an upload.
func noMounts(code int) habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !r.URL.Query().Has("mount") {
				next.ServeHTTP(w, r)
				return
			}
			if code == http.StatusAccepted {
				r.URL.RawQuery = ""
				next.ServeHTTP(w, r)
				return
			}
			answer{code, `{"errors":[{"code":"UNSUPPORTED","message":"no mounts here"}]}`, nil}.write(w)
		})
	}
}

// wholeOnly ignores Range in the questions for blobs; with refused it says 416.
func wholeOnly(refused bool) habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refused && withRange(r) {
				answer{http.StatusRequestedRangeNotSatisfiable, "", nil}.write(w)
				return
			}
			r.Header.Del("Range")
			next.ServeHTTP(w, r)
		})
	}
}

// redirecting sends those who ask for blobs to another host.
func redirecting(base string) habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := blobPath.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
				http.Redirect(w, r, base+r.URL.Path+"?X-Signature=secret", http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// signedOnly is the other host: it serves who brings the signature, and nobody who
// brings credentials of the registry.
func signedOnly(next http.Handler, complain func(string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			complain(fmt.Sprintf("%s %s came with the registry's Authorization", r.Method, r.URL.Path))
		}
		if r.URL.Query().Get("X-Signature") != "secret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// rewritten is a habit that changes answers.
func rewritten(change func(*http.Request, *kept)) habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := newKept()
			next.ServeHTTP(a, r)
			change(r, a)
			copyHeader(w.Header(), a.header)
			w.WriteHeader(a.code)
			_, _ = w.Write(a.body)
		})
	}
}
