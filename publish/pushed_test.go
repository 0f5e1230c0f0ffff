package publish

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Push is PushContent of an image.
func Push(ctx context.Context, img v1.Image, sinks []Sink, tags []string, o PushOptions) ([]string, error) {
	return PushContent(ctx, OfImage(img), sinks, tags, o)
}

// PushContent brings it to all sinks and returns what their Commit returned, in the
// order of sinks. It is all or nothing: no tag of any sink moves before every
// blob and manifest is in every sink. Then the sinks are committed one by one, in
// order; a tag that is refused at that point ends the push with a [TagError],
// which says what has moved. A sink that holds it already is left alone.
func PushContent(ctx context.Context, c Content, sinks []Sink, tags []string, o PushOptions) ([]string, error) {
	p, err := Prepare(ctx, c, sinks, tags, o)
	if err != nil {
		return nil, err
	}
	refs, err := p.Commit(ctx)
	if err := errors.Join(err, p.Close()); err != nil {
		return nil, err
	}
	return refs, nil
}
