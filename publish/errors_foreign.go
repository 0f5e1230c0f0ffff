package publish

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// ForeignError says that the registry takes no image whose foreign layers it does
// not have: those that stay at the address that the manifest gives for them.
type ForeignError struct {
	Repository name.Repository
	Layers     []v1.Descriptor // the foreign ones; never empty
	Sent       bool            // they were uploaded, so it minds the addresses themselves
	Err        error
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("put the manifest into %s: %s", e.Repository, e.reason())
}

func (e *ForeignError) reason() string {
	if e.Sent {
		return fmt.Sprintf("%v; the base's foreign layers (%s) were uploaded, but the registry takes no manifest that gives an address for a layer: have such addresses allowed there, or take a base without foreign layers", e.Err, e.where())
	}
	return fmt.Sprintf("%v; the registry takes no image whose foreign layers (%s) stay outside of it: upload them with --push-foreign, or take a base without such layers", e.Err, e.where())
}

// where tells of the layers how many there are and who serves the first.
func (e *ForeignError) where() string {
	for _, address := range e.Layers[0].URLs {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			return fmt.Sprintf("%d, of %s", len(e.Layers), u.Host)
		}
	}
	return fmt.Sprint(len(e.Layers))
}

func (e *ForeignError) Unwrap() error { return e.Err }

// foreignLayers returns those layers of the document that are foreign.
func (d *document) foreignLayers() []v1.Descriptor {
	if d.image == nil {
		return nil
	}
	m, err := d.image.Manifest()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.Layers), func(l v1.Descriptor) bool { return !isForeign(l.MediaType) })
}

// onlyForeign tells whether what is lost is named, and is foreign layers of the
// document.
func (d *document) onlyForeign(lost lostParts) bool {
	layers := d.foreignLayers()
	return len(lost) > 0 && !slices.ContainsFunc(lost, func(digest string) bool {
		return !slices.ContainsFunc(layers, func(l v1.Descriptor) bool { return l.Digest.String() == digest })
	})
}

// refusesForeign tells whether the registry minds the foreign layers of the document:
// it misses them, or its words are about such.
func (r *Registry) refusesForeign(d *document, status *distribution.StatusError) bool {
	if len(d.foreignLayers()) == 0 {
		return false
	}
	lost := lostBy(status, d)
	if d.onlyForeign(lost) || lost != nil && !r.o.Nondistributable { // all else was brought
		return true
	}
	// The first words are distribution's for an address that it does not allow, and it
	// allows none unless told which; the others are what some may say.
	// https://distribution.github.io/distribution/about/configuration/#validation
	said := strings.ToLower(status.Error())
	return slices.ContainsFunc([]string{"invalid url on layer", "foreign", "nondistributable", "non-distributable"},
		func(words string) bool { return strings.Contains(said, words) })
}
