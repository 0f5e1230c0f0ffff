package cli

import (
	"fmt"
	"net/http"
	"regexp"
)

// answer is what a server says to requests of one kind in place of what it should.
type answer struct {
	to     string // what "METHOD path" matches
	status int
	header map[string]string
	body   string
}

// mistaken answers the first kind that fits, and leaves all other requests to next.
func mistaken(next http.Handler, answers ...answer) http.Handler {
	patterns := make([]*regexp.Regexp, len(answers))
	for i, a := range answers {
		patterns[i] = regexp.MustCompile(a.to)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for i, a := range answers {
			if patterns[i].MatchString(req.Method + " " + req.URL.Path) {
				a.write(w)
				return
			}
		}
		next.ServeHTTP(w, req)
	})
}

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// says is the answer of a registry that follows the protocol.
func says(to string, status int, code, message string) answer {
	return answer{
		to: to, status: status, header: map[string]string{"Content-Type": "application/json"},
		body: fmt.Sprintf(`{"errors":[{"code":%q,"message":%q}]}`, code, message),
	}
}

// page is the answer of something that is no registry.
func page(to string, status int, title string) answer {
	return answer{
		to: to, status: status, header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
		body: "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>nginx/1.27.1</center>\r\n</body>\r\n</html>\r\n",
	}
}

// redirect sends requests somewhere else.
func redirect(to string, status int, where string) answer {
	return answer{to: to, status: status, header: map[string]string{"Location": where}}
}

// The requests that a push is made of.
const (
	beginUpload = "^POST .*/blobs/uploads/$"
	putBlob     = "^PUT .*/blobs/uploads/"
	sendBlob    = "^(PATCH|PUT) .*/blobs/uploads/"
	putManifest = "^PUT .*/manifests/"
	putDigest   = "^PUT .*/manifests/sha256:"
	putTag      = "^PUT .*/manifests/[^:]*$"
	anything    = "."
)

// wantsBasic lets in who has a name and a password.
func wantsBasic(user, password string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if u, p, _ := req.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="Registry Realm"`)
			says("", http.StatusUnauthorized, "UNAUTHORIZED", "authentication required").write(w)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// wantsToken lets in who has the token, and names the token server of others.
func wantsToken(realm, token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "Bearer "+token {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service=%q`, realm, req.Host))
			says("", http.StatusUnauthorized, "UNAUTHORIZED", "authentication required").write(w)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// givesToken is a token server that trusts everybody.
func givesToken(token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"token": %q}`, token)
	})
}
