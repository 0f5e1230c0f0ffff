package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The bounds of a list of referrers, whose pages have at most MaxDocument bytes each.
const (
	maxReferrerPages = 100
	maxReferrers     = 10_000
)

// noListError says that a registry has no list of referrers, whatever it answers.
type noListError struct{ why string }

func (e *noListError) Error() string { return "there is no list of referrers: " + e.why }

// servedReferrers reads the registry's own list; served is false where it has none.
func (r *Repository) servedReferrers(ctx context.Context, manifest v1.Hash) (found []v1.Descriptor, served bool, err error) {
	next := r.at("/referrers/" + manifest.String())
	for pages := 1; next != nil; pages++ {
		if pages > maxReferrerPages || len(found) > maxReferrers {
			return nil, true, &ListError{fmt.Sprintf("it has more than %d referrers or %d pages of them", maxReferrers, maxReferrerPages)}
		}
		page, after, err := r.referrersPage(ctx, next)
		var none *noListError
		if errors.As(err, &none) && pages == 1 {
			return nil, false, nil
		}
		if err != nil {
			return nil, true, err
		}
		found, next = append(found, page...), after
	}
	return found, true, nil
}

func (r *Repository) referrersPage(ctx context.Context, at *url.URL) (page []v1.Descriptor, next *url.URL, err error) {
	err = r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{
			method: http.MethodGet, url: at,
			header: http.Header{"Accept": {string(types.OCIImageIndex)}},
		}, http.StatusOK)
		if err != nil {
			return unlessNoList(err)
		}
		defer finish(resp)
		// Others take any other type for no list, too, and then look at the tag.
		if got := resp.Header.Get("Content-Type"); got != string(types.OCIImageIndex) {
			return &noListError{"the answer has the type " + shorten(got)}
		}
		content, err := readAll(resp, "the list of referrers")
		if err != nil {
			return err
		}
		if page, err = referrersIn(content); err != nil {
			return &noListError{err.Error()}
		}
		next, err = nextPage(resp)
		return err
	})
	return page, next, err
}

// unlessNoList marks an answer that means that the registry has no list of referrers.
// Those that do not know the address answer as they like: 404, 406, 405, 403, or with
// a web page.
func unlessNoList(err error) error {
	var status *StatusError
	var final finalError // of the token server
	if !errors.As(err, &status) || errors.As(err, &final) || status.limited() {
		return err
	}
	unknown := status.Status < http.StatusInternalServerError && !passingStatus(status.Status) || status.Status == http.StatusNotImplemented
	if unknown && status.Status != http.StatusUnauthorized {
		return &noListError{status.Answer()}
	}
	return err
}

// referrersIn reads an index of referrers.
func referrersIn(content []byte) ([]v1.Descriptor, error) {
	var list struct {
		SchemaVersion int              `json:"schemaVersion"`
		MediaType     types.MediaType  `json:"mediaType"`
		Manifests     *[]v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("it is no index: %s", firstWords(content))
	}
	if list.SchemaVersion != 2 || list.Manifests == nil || list.MediaType != "" && list.MediaType != types.OCIImageIndex {
		return nil, errors.New("it is no OCI index")
	}
	for _, d := range *list.Manifests {
		if d.Digest == (v1.Hash{}) {
			return nil, errors.New("an entry has no digest")
		}
	}
	return *list.Manifests, nil
}
