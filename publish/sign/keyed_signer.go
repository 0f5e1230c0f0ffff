//go:build !nosign

package sign

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// NewSigner opens the key, or makes ready for keyless signing. No registry and no
// authority is asked yet, but the program of a KMS is. It fails where neither a key nor
// an identity is named, or both are, and where the key cannot be used.
func NewSigner(ctx context.Context, o SignerOptions) (Signer, error) {
	switch {
	case o.Key == "" && o.Keyless == nil:
		return nil, errors.New("nothing to sign with; name a key by --sign-key, or an identity by --sign-keyless")
	case o.Key != "" && o.Keyless != nil:
		return nil, errors.New("--sign-key and --sign-keyless exclude each other; leave one of them away")
	}
	w := &writer{format: o.Format, annotations: maps.Clone(o.Annotations)}
	switch {
	case o.Format == "" && o.Key != "":
		w.format = Tags
	case o.Format == "":
		w.format = Bundle
	case o.Format != Tags && o.Format != Bundle:
		return nil, fmt.Errorf("there is no format %q of signatures; --sign-format takes %s or %s", o.Format, Tags, Bundle)
	}
	var err error
	if o.Key != "" {
		w.scheme, err = newKeyed(ctx, o)
	} else {
		w.scheme, err = newKeyless(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}
