package base

import (
	"context"
	"fmt"
	"log/slog"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Options say how bases are looked for. The zero value finds those in layouts and
// archives.
type Options struct {
	Remote Remote // reads registries; nil means that none is asked
	// Mirrors are places where bases in registries are looked for first, those of
	// one prefix in this order.
	Mirrors []Mirror
	// OSVersion picks one build from a list that has several: three parts such as
	// "10.0.20348" match the newest revision of the build, four parts only
	// themselves. A base of another build is then an error.
	OSVersion string
	What      string // what errors call it; "" means "base"
	// Memory lets bases in registries be found with fewer requests: by digest with
	// none at all, by a tag that has not moved with one. Default: none.
	Memory Memory
	// Log is told where the next place is asked after a mirror failed. Default:
	// nobody.
	Log *slog.Logger
}

// source is where a base is read from.
type source interface {
	// name is what the user asked for, written out.
	name() string
	// root returns the document that the reference names.
	root(ctx context.Context) (document, error)
	// has says whether the document of an index entry can be read here: layouts
	// and archives may hold a part of a list only.
	has(d v1.Descriptor) bool
	// manifest returns the document of an index entry, its digest checked.
	manifest(ctx context.Context, d v1.Descriptor) (document, error)
	// config returns the config of an image, its digest checked.
	config(ctx context.Context, image document) ([]byte, error)
	// layers returns the layers of an image, in order. With peek, and always in
	// layouts and archives, their media types follow their first bytes.
	layers(ctx context.Context, image document, diffIDs []v1.Hash, peek bool) ([]v1.Layer, error)
}

// Resolve finds the base that ref names (see Expand for short names): in a
// registry, in an OCI layout ("oci:DIR", "oci:DIR:NAME", "oci:DIR@DIGEST"), or in
// an archive of docker save or of an OCI layout ("tar:FILE", gzip'ed or not). From
// a list it picks the newest windows/amd64 image of o.OSVersion's build, or of
// the only build there is.
//
// A base in a registry is looked for in o.Mirrors first, and then where it is; the
// next place is asked where one does not have it, refuses or cannot be reached. Name
// stays what was asked for, Repository is where it was found.
//
// It fails when nothing is there, when the registry refuses or cannot be reached
// (ErrNotFound, ErrUnauthorized, ErrUnreachable), when several Windows builds
// leave a choice, when what it finds is no Windows image for amd64, and when
// bytes do not have their digest. Layers read from a registry keep using ctx.
//
// With o.Memory, a base whose documents are known is found without any request
// when ref has a digest, and when ref is a tag with one that asks for the tag's
// digest: what a tag named before never stands in for what it names now. Only a
// base without os.version has the first bytes of its layers read in any case.
func Resolve(ctx context.Context, ref string, o Options) (*Base, error) {
	found, err := resolve(ctx, ref, o, wanted{osVersion: o.OSVersion, what: o.What})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// ResolveAll finds all bases that ref names: of a list the newest windows/amd64
// image of each build, the newest build first, or those of o.OSVersion alone.
// Else it is as Resolve.
func ResolveAll(ctx context.Context, ref string, o Options) ([]*Base, error) {
	return resolve(ctx, ref, o, wanted{osVersion: o.OSVersion, what: o.What, all: true})
}

// wanted says which images of a list are meant.
type wanted struct {
	osVersion string // "" is any
	all       bool   // one of each build, instead of the only build
	list      bool   // the document itself, whatever it is, in place of its images
	what      string // as in Options
}

func resolve(ctx context.Context, ref string, o Options, w wanted) ([]*Base, error) {
	found, err := look(ctx, ref, o, w)
	if err != nil {
		what := "base"
		if o.What != "" {
			what = o.What
		}
		return nil, fmt.Errorf("read %s %s: %w", what, Expand(ref), err)
	}
	return found, nil
}

func look(ctx context.Context, ref string, o Options, w wanted) ([]*Base, error) {
	if err := CheckOSVersion(o.OSVersion); err != nil {
		return nil, err
	}
	kind, rest := locate(ref)
	if kind == inRegistry {
		return resolveRemote(ctx, ref, o, w)
	}
	open := openLayout
	if kind == inTar {
		open = openArchive
	}
	src, err := open(ctx, ref, rest)
	if err != nil {
		return nil, err
	}
	return from(ctx, src, w)
}

// from returns the bases that src leads to.
func from(ctx context.Context, src source, w wanted) ([]*Base, error) {
	doc, err := src.root(ctx)
	if err != nil {
		return nil, err
	}
	if w.list {
		return []*Base{{Name: src.name(), Digest: doc.digest, MediaType: doc.mediaType, Manifest: doc.raw}}, nil
	}
	if doc.index == nil {
		b, err := read(ctx, src, doc, w)
		return []*Base{b}, err
	}
	chosen, err := choose(ctx, src, doc, w)
	if err != nil {
		return nil, err
	}
	all := make([]*Base, 0, len(chosen))
	for _, c := range chosen {
		b, err := fromList(ctx, src, doc.digest, c, w)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// fromList returns the base that is an image of a list.
func fromList(ctx context.Context, src source, list v1.Hash, c candidate, w wanted) (*Base, error) {
	doc, err := src.manifest(ctx, c.desc)
	if err != nil {
		return nil, err
	}
	b, err := read(ctx, src, doc, w)
	if err != nil {
		return nil, err
	}
	b.Index = &list
	if listed := c.platform.OSVersion; listed != b.OSVersion {
		b.warnf("the list says os.version %q of this base, its config %q: the config is right", listed, b.OSVersion)
	}
	return b, nil
}

// warnf adds a warning. It may hold foreign text.
func (b *Base) warnf(format string, args ...any) {
	b.Warnings = append(b.Warnings, clip(fmt.Sprintf(format, args...)))
}

// read returns the base whose manifest is doc.
func read(ctx context.Context, src source, doc document, w wanted) (*Base, error) {
	if doc.image == nil {
		return nil, fmt.Errorf("%s is a list inside a list: give the digest of one image", doc.digest)
	}
	raw, err := src.config(ctx, doc)
	if err != nil {
		return nil, err
	}
	cfg, err := parseConfig(raw, doc.image)
	if err != nil {
		return nil, err
	}
	if err := cfg.usable(w.osVersion); err != nil {
		return nil, err
	}
	layers, err := src.layers(ctx, doc, cfg.RootFS.DiffIDs, cfg.OSVersion == "")
	if err != nil {
		return nil, err
	}
	b := &Base{
		Name: src.name(), Digest: doc.digest, MediaType: doc.mediaType, OSVersion: cfg.OSVersion,
		Manifest: doc.raw, Config: raw, Layers: layers,
	}
	if b.Folders, err = folders(ctx, layers); err != nil {
		return nil, err
	}
	return b, b.warn(doc)
}
