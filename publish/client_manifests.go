package publish

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// present is what the registry has under a name; the zero value is nothing.
type present struct {
	digest    string // "" also where the registry does not tell
	mediaType types.MediaType
}

func acceptManifests() http.Header {
	return http.Header{"Accept": {strings.Join([]string{
		string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
		string(types.OCIImageIndex), string(types.DockerManifestList)}, ",")}}
}

// head tells what ref names. Some registries answer 403 for what is not there.
func (c *client) head(ctx context.Context, ref string) (present, error) {
	resp, err := c.ask(ctx, http.MethodHead, c.at("/manifests/"+ref), acceptManifests())
	if err != nil {
		return present{}, err
	}
	defer finish(resp)
	if err := transport.CheckError(resp, http.StatusOK, http.StatusNotFound, http.StatusForbidden); err != nil {
		return present{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return present{}, nil
	}
	return presentIn(resp), nil
}

// putManifest puts the bytes of a manifest under ref.
func (c *client) putManifest(ctx context.Context, ref string, raw []byte, mt types.MediaType) error {
	body := outgoingBytes(raw)
	return c.try(ctx, func() error {
		resp, err := c.send(ctx, http.MethodPut, c.at("/manifests/"+ref), http.Header{"Content-Type": {string(mt)}}, body)
		if err != nil {
			return err
		}
		defer finish(resp)
		return transport.CheckError(resp, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	})
}

// digestHeader tells the digest of an answer's content.
const digestHeader = "Docker-Content-Digest"

// maxDocument bounds manifests and configs, in bytes. It is the limit that
// registries are asked to accept (distribution-spec, "Pushing Manifests").
const maxDocument = 4 << 20

// document is a manifest or config as a registry answered it.
type document struct {
	present
	content []byte // nil where nothing was there
}

// get returns what is at path.
func (c *client) get(ctx context.Context, path string, header http.Header) (document, error) {
	resp, err := c.ask(ctx, http.MethodGet, c.at(path), header)
	if err != nil {
		return document{}, err
	}
	defer finish(resp)
	if err := transport.CheckError(resp, http.StatusOK, http.StatusNotFound, http.StatusForbidden); err != nil {
		return document{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return document{}, nil
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return document{}, fmt.Errorf("read %s: %w", path, err)
	}
	if len(b) > maxDocument {
		return document{}, fmt.Errorf("read %s: it is larger than %d bytes", path, maxDocument)
	}
	return document{presentIn(resp), b}, nil
}

// presentIn is what the header of an answer tells of its content.
func presentIn(resp *http.Response) present {
	mt, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		mt = ""
	}
	return present{digest: resp.Header.Get(digestHeader), mediaType: types.MediaType(mt)}
}
