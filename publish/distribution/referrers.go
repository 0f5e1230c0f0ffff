package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Referrers returns what kinds of artifacts the registry has about a manifest, such as
// "application/vnd.dev.sigstore.bundle.v0.3+json", each once. It asks the registry's
// own list, and the tag that stands for it where there is none. Only the first page
// counts.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
func (r *Repository) Referrers(ctx context.Context, manifest v1.Hash) ([]string, error) {
	kinds, err := r.referrers(ctx, manifest)
	return kinds, r.explain(ctx, "look for what refers to "+manifest.String()+" in", err)
}

func (r *Repository) referrers(ctx context.Context, manifest v1.Hash) (kinds []string, err error) {
	err = r.try(ctx, func(ctx context.Context) error {
		resp, err := r.send(ctx, request{
			method: http.MethodGet, url: r.at("/referrers/" + manifest.String()),
			header: http.Header{"Accept": {string(types.OCIImageIndex)}},
		}, http.StatusOK)
		if err != nil {
			return r.unlessAbsent(err)
		}
		defer finish(resp)
		content, err := readAll(resp, "the list of referrers")
		if err == nil {
			kinds, err = referrerKinds(content)
		}
		return err
	})
	var status *StatusError
	if !errors.As(err, &status) {
		return kinds, err
	}
	doc, err := r.manifest(ctx, manifest.Algorithm+"-"+manifest.Hex)
	if err != nil {
		return nil, present(err)
	}
	return referrerKinds(doc.Content)
}

func referrerKinds(raw []byte) ([]string, error) {
	var list struct {
		Manifests []struct {
			ArtifactType string `json:"artifactType"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, &DamagedError{What: "the list of referrers", Why: "it is no index: " + firstWords(raw)}
	}
	seen := map[string]bool{}
	var kinds []string
	for _, m := range list.Manifests {
		if kind := shorten(m.ArtifactType); !seen[kind] {
			seen[kind] = true
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}
