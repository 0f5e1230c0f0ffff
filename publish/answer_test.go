package publish

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestLongAnswers: of a web page in the place of an answer only the start is shown.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusForbidden, http.StatusNotFound, http.StatusTeapot} {
		s := newTestRegistry(t, "localhost:5000/app", RegistryOptions{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				resp := &http.Response{
					StatusCode: status, Header: http.Header{}, Request: r,
					Body: io.NopCloser(strings.NewReader("<html>" + strings.Repeat("é", 9000))),
				}
				if r.Method == http.MethodGet { // the ping
					resp.StatusCode = http.StatusOK
				}
				return resp, nil
			}),
		})
		err := s.Check(t.Context())
		if err == nil || len(err.Error()) > 1100 || !utf8.ValidString(err.Error()) || !strings.Contains(err.Error(), "<html>") {
			t.Errorf("%d: Check = %v, want the start of the answer", status, err)
		}
	}
}
