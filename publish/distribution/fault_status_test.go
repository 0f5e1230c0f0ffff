package distribution_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// status is a server that answers with a status of trouble instead of doing what it
// was asked for.
func status(code int) fault {
	return fault{fmt.Sprint(code), anyRequest, func(x *exchange) {
		x.refuse(code, "application/json", `{"errors":[{"code":"UNKNOWN","message":"out of order"}]}`)
	}}
}

// wait is the time that faults ask for in Retry-After.
const wait = 7 * time.Second

// retryAfter is status with a time to come back, as a number of seconds or a date.
func retryAfter(code int, date bool) fault {
	name := fmt.Sprintf("%d, Retry-After in seconds", code)
	if date {
		name = fmt.Sprintf("%d, Retry-After as a date", code)
	}
	return fault{name, anyRequest, func(x *exchange) {
		value := strconv.Itoa(int(wait / time.Second))
		if date {
			now := time.Now().UTC().Truncate(time.Second)
			x.w.Header().Set("Date", now.Format(http.TimeFormat))
			value = now.Add(wait).Format(http.TimeFormat)
		}
		x.w.Header().Set("Retry-After", value)
		x.costs(wait)
		x.refuse(code, "application/json", `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`)
	}}
}

const htmlPage = "<!DOCTYPE html>\n<html><head><title>Bad Gateway</title></head>\n<body><h1>nginx</h1></body></html>\n"

// page is a proxy that answers with a web page. With status 200 it is the login page
// of somebody's wireless network.
func page(code int, hits func(*http.Request) bool) fault {
	return fault{fmt.Sprintf("%d with a web page", code), hits, func(x *exchange) {
		x.refuse(code, "text/html; charset=utf-8", htmlPage)
	}}
}

// forbidden is the 403 of a registry that means something else.
func forbidden(name, text string, hits func(*http.Request) bool) fault {
	return fault{name, hits, func(x *exchange) {
		x.refuse(http.StatusForbidden, "application/json", text)
	}}
}

// unseen is a registry of several machines, one of which has not heard yet of a blob
// that another one has.
func unseen() fault {
	manifest := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
	}
	return fault{"blob unknown for a moment", manifest, func(x *exchange) {
		x.refuse(http.StatusBadRequest, "application/json", `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}`)
	}}
}

// refuse answers without asking the registry. Two times of three the body of the
// request is read before, as servers do that use the connection again.
func (x *exchange) refuse(code int, contentType, text string) {
	if x.dice.IntN(3) > 0 {
		_, _ = io.Copy(io.Discard, x.r.Body)
	}
	x.w.Header().Set("Content-Type", contentType)
	x.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	x.w.WriteHeader(code)
	_, _ = io.WriteString(x.w, text)
}
