package distribution_test

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// row is one kind of bad registry.
type row struct {
	name   string
	faults func(*sessions) []fault
	rate   float64 // of the requests that a fault may strike
	limit  int     // strokes for each method and path; 0 is the usual
	habits []habit // innermost first

	token    func() *tokens // the registry wants tokens of its service
	password bool           // the client has one
	streams  bool           // an upload takes one write (see onceWritten)
	cdn      bool           // blobs are on another host
	mount    bool           // the first layer is taken from another repository
	granted  bool           // and the registry does that
	secure   bool           // over TLS, at a host without a port
	http2    bool
	chunk    int64 // of the client, in bytes; 0 sends blobs whole
	still    bool  // the registry keeps nothing of an upload in its Location
	slow     bool  // the client has to wait until its patience ends
	calm     bool  // nothing has to be tried again: what is slow is no failure
}

// testName is the name of the row's test, in which a slash would have a meaning.
func testName(r row) string { return strings.ReplaceAll(r.name, "/", "") }

const (
	often = 0.3 // of all requests
	most  = 0.6 // of those with a body
)

// these are faults that need nothing else.
func these(f ...fault) func(*sessions) []fault {
	return func(*sessions) []fault { return f }
}

// usual is what goes wrong besides with registries that have habits.
func usual(*sessions) []fault {
	return []fault{status(http.StatusServiceUnavailable), resetEarly(), answerLost()}
}

// cuts is what breaks bodies.
func cuts(*sessions) []fault { return []fault{resetInRequest(), resetInAnswer()} }

func lost(name string, a answer) func(*sessions) []fault {
	return func(s *sessions) []fault { return []fault{lostUpload(s, name, a)} }
}

// everything that can be had without waiting for the end of the client's patience.
func everything(s *sessions) []fault {
	return []fault{
		status(http.StatusInternalServerError), status(http.StatusServiceUnavailable), status(http.StatusTooEarly),
		retryAfter(http.StatusTooManyRequests, false), retryAfter(http.StatusServiceUnavailable, true),
		page(http.StatusBadGateway, anyRequest), resetEarly(), closedEarly(), resetInRequest(), resetInAnswer(),
		answerLost(), shortAnswer(), corruptAnswer(), corruptRequest(), dripIn(), dripOut(),
		lostUpload(s, "upload lost", lostKnown), lostUpload(s, "upload lost, 416", lostRange), wrongRange(), wrongOffset(),
	}
}

func rows() []row {
	return slices.Concat(statusRows(), connectionRows(), slowRows(), byteRows(), uploadRows(), tokenRows(), http2Rows(), habitRows(), mixedRows())
}

func statusRows() []row {
	var all []row
	for _, code := range []int{408, 425, 429, 500, 502, 503, 504} {
		f := status(code)
		all = append(all, row{name: f.name, faults: these(f), rate: often})
	}
	for _, f := range []fault{
		retryAfter(429, false), retryAfter(429, true), retryAfter(503, false), retryAfter(503, true),
		page(502, anyRequest), page(503, anyRequest), page(200, content),
		forbidden("403 with words of a rate limit", `{"errors":[{"code":"DENIED","message":"You have exceeded a secondary rate limit"}]}`, not(isMethod(http.MethodHead))),
		forbidden("403 for a moment, on reads without credentials", "", content),
	} {
		all = append(all, row{name: f.name, faults: these(f), rate: often})
	}
	return append(all, row{name: "200 with a web page, to everything", faults: these(page(200, anyRequest)), rate: often})
}

func connectionRows() []row {
	return []row{
		{name: "reset before the request is read", faults: these(resetEarly()), rate: often},
		{name: "closed without an answer", faults: these(closedEarly()), rate: often},
		{name: "done, but the answer lost", faults: these(answerLost()), rate: often},
		{name: "reset in the request's body", faults: these(resetInRequest()), rate: most},
		{name: "reset in the request's body, parts", faults: these(resetInRequest()), rate: most, chunk: 256 << 10},
		{name: "reset in the answer's body", faults: these(resetInAnswer()), rate: most},
		{name: "reset in the answer's body, no ranges", faults: these(resetInAnswer()), rate: most, habits: []habit{wholeOnly(false)}},
		{name: "reset in the answer's body, ranges refused", faults: these(resetInAnswer()), rate: most, habits: []habit{wholeOnly(true)}},
		{name: "reset in the answer's body, other ranges", faults: these(resetInAnswer(), wrongRange()), rate: most},
		{name: "reset in bodies, over TLS", faults: cuts, rate: most, secure: true},
	}
}

func slowRows() []row {
	return []row{
		{name: "request read in slow drips", faults: these(dripIn()), rate: most, calm: true},
		{name: "answer in slow drips", faults: these(dripOut()), rate: most, calm: true},
		{name: "long silence before the answer to an upload", faults: these(slowCommit()), rate: often, calm: true},
		{name: "stall in the request's body", faults: these(stallInRequest()), rate: most, slow: true},
		{name: "stall in the request's body, parts", faults: these(stallInRequest()), rate: most, slow: true, chunk: 256 << 10},
		{name: "stall in the answer's body", faults: these(stallInAnswer()), rate: most, slow: true},
		{name: "no answer to a question", faults: these(noAnswer(false, question)), rate: often, slow: true},
		{name: "no answer to an upload, nothing done", faults: these(noAnswer(false, not(question))), rate: often, slow: true},
		{name: "no answer to an upload, all done", faults: these(noAnswer(true, not(question))), rate: often, slow: true},
		{name: "stalls over HTTP/2", faults: these(stallInRequest(), stallInAnswer(), noAnswer(true, anyRequest)), rate: often, slow: true, http2: true},
	}
}

func byteRows() []row {
	return []row{
		{name: "clean but short answer", faults: these(shortAnswer()), rate: most},
		{name: "answer with bytes too many", faults: these(longAnswer()), rate: most},
		{name: "corrupted answer", faults: these(corruptAnswer()), rate: most},
		{name: "corrupted request", faults: these(corruptRequest()), rate: most},
		{name: "corrupted request, parts", faults: these(corruptRequest()), rate: most, chunk: 256 << 10},
		{name: "truncated JSON, no digest", faults: these(cutJSON(manifestContent)), rate: most},
		{name: "corrupted and cut, both ways", faults: these(corruptRequest(), corruptAnswer(), resetInRequest(), resetInAnswer()), rate: most},
	}
}

func uploadRows() []row {
	const parts = 200_000
	return []row{
		{name: "upload lost, 404", faults: lost("upload lost, 404", lostKnown), rate: often},
		{name: "upload lost, 404 without a code", faults: lost("upload lost, 404 without a code", lostBare), rate: often},
		{name: "upload lost, 400", faults: lost("upload lost, 400", lostInvalid), rate: often},
		{name: "upload lost, 416", faults: lost("upload lost, 416", lostRange), rate: often},
		{name: "upload lost, parts", faults: lost("upload lost, parts", lostKnown), rate: often, chunk: parts},
		{name: "wrong Range after a part", faults: these(wrongOffset()), rate: often, chunk: parts},
		{name: "blob unknown for a moment", faults: these(unseen()), rate: most, limit: 1},
		{name: "wrong Range and cuts", faults: these(wrongOffset(), resetInRequest(), answerLost()), rate: often, chunk: parts},
	}
}

// goodFor has tokens that are good for so many requests.
func goodFor(uses int) func() *tokens { return func() *tokens { return &tokens{uses: uses} } }

// dying has tokens that live for a while, which their service may not tell.
func dying(life time.Duration, mute bool) func() *tokens {
	return func() *tokens { return &tokens{life: life, mute: mute} }
}

func tokenRows() []row {
	atService := func(f fault) fault {
		f.hits = and(f.hits, tokenRequest)
		return f
	}
	return []row{
		{name: "token good for 3 requests", faults: usual, rate: often, token: goodFor(3)},
		{name: "token good for 3 requests, parts", faults: usual, rate: often, token: goodFor(3), chunk: 256 << 10},
		{name: "token that dies early", faults: these(retryAfter(429, false)), rate: often, token: dying(2*time.Second, true)},
		{name: "token that dies in slow bodies", faults: these(dripIn(), dripOut()), rate: most, token: dying(70*time.Second, false), calm: true},
		{name: "token service answers 500", faults: these(atService(status(500))), rate: most, token: goodFor(3)},
		{name: "token service answers with a page", faults: these(atService(page(200, anyRequest)), atService(page(502, anyRequest))), rate: most, token: goodFor(3)},
		{name: "token service cuts its JSON", faults: these(cutJSON(tokenRequest)), rate: most, token: goodFor(3)},
		{name: "token service breaks connections", faults: these(atService(resetEarly()), atService(answerLost())), rate: most, token: goodFor(3)},
		{name: "mounts with tokens", faults: usual, rate: often, token: goodFor(5), mount: true, granted: true},
		{name: "password", faults: usual, rate: often, habits: []habit{basicAuth}, password: true},
	}
}

func http2Rows() []row {
	return []row{
		{name: "GOAWAY", faults: these(goAway()), rate: often, http2: true, calm: true},
		{name: "GOAWAY over TLS", faults: these(goAway()), rate: often, http2: true, secure: true, calm: true},
		{name: "GOAWAY and the connection closed", faults: these(goAwayAtOnce()), rate: often, http2: true},
		{name: "streams reset", faults: these(resetEarly(), resetInRequest(), resetInAnswer(), answerLost()), rate: often, http2: true},
		{name: "503 and GOAWAY", faults: these(status(503), goAwayAtOnce(), goAway()), rate: often, http2: true},
	}
}

func habitRows() []row {
	const parts = 256 << 10
	all := []row{
		{name: "bodies over 200 KB refused", habits: []habit{bounded(200_000)}},
		{name: "bodies over 200 KB refused, over HTTP/2", habits: []habit{bounded(200_000)}, http2: true},
		{name: "bodies over 200 KB refused, sent in parts", habits: []habit{bounded(200_000)}, chunk: 100_000},
		{name: "large parts wanted", habits: []habit{leastChunk(300_000)}, chunk: 100_000},
		{name: "Gitea", streams: true, chunk: parts},
		{name: "Gitea, whole blobs", streams: true},
		{name: "Google, 405", habits: []habit{noChunks(http.StatusMethodNotAllowed)}, chunk: parts},
		{name: "Google, 400", habits: []habit{noChunks(http.StatusBadRequest)}, chunk: parts},
		{name: "ECR, 201", habits: []habit{patched(http.StatusCreated)}, chunk: parts},
		{name: "ECR, later parts thrown away", habits: []habit{deafToChunks}, chunk: parts},
		{name: "204 to parts, no Location", habits: []habit{patched(http.StatusNoContent, "Location")}, chunk: parts, still: true},
		{name: "202 to parts, no Range", habits: []habit{patched(http.StatusAccepted, "Range")}, chunk: parts},
		{name: "Harbor", habits: []habit{cookies}},
		{name: "Nexus", habits: []habit{anonymousReads}, password: true},
		{name: "Artifactory", habits: []habit{hiding}},
		{name: "neither digest nor length", habits: []habit{terse}},
		{name: "redirects to another host", cdn: true, habits: []habit{basicAuth}, password: true},
		{name: "Location with http", secure: true, habits: []habit{located(func(_ *http.Request, to string) string { return "http://" + secureHost + to })}},
		{name: "Location with :443", secure: true, habits: []habit{located(func(_ *http.Request, to string) string { return "https://" + secureHost + ":443" + to })}},
		{name: "mounts granted", mount: true, granted: true},
	}
	for _, code := range []int{202, 400, 401, 403, 404, 405} {
		all = append(all, row{name: "mounts refused, " + http.StatusText(code), mount: true, habits: []habit{noMounts(code)}})
	}
	for i := range all {
		all[i].rate = often
		all[i].faults = usual
		if all[i].streams || all[i].cdn || all[i].chunk > 0 {
			all[i].faults = func(s *sessions) []fault { return append(usual(s), cuts(s)...) }
		}
	}
	return all
}

func mixedRows() []row {
	return []row{
		{name: "everything", faults: everything, rate: often},
		{name: "everything, most of it", faults: everything, rate: most},
		{name: "everything, parts", faults: everything, rate: most, chunk: 200_000},
		{name: "everything, tokens", faults: everything, rate: often, token: goodFor(5), mount: true},
		{name: "everything over HTTP/2", faults: func(s *sessions) []fault { return append(everything(s), goAway(), goAwayAtOnce()) }, rate: most, http2: true},
		{name: "everything over TLS, another host", faults: everything, rate: often, http2: true, secure: true},
	}
}
