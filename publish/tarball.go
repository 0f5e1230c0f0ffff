package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Tarball is a file that `docker load`, `podman load`, skopeo and crane read. It is
// a docker archive and an OCI layout in one, as `docker save` writes since Docker
// 25, so that the image keeps its digest on the way. Its bytes depend on image,
// names and tags alone. A name that ends in .gz or .tgz means gzip.
//
// An index is in the OCI layout alone, and so are the tags that name it: the docker
// archive knows images only. There each image is by itself, named repository:T-Suffix
// for the tag T and its [Child]'s suffix, and without a name where it has none.
//
// An archive is written in one go and in one order, so PutLayer only notes that
// Stage will write the layer. Foreign layers are left out by default: such a file
// loads where the base image is already.
type Tarball struct {
	file         string
	repositories []string
	o            TarballOptions

	mu      sync.Mutex
	tmp     *scratch
	archive *archive
	staged  v1.Hash
}

// TarballOptions are the choices for a [Tarball]; the zero value works.
type TarballOptions struct {
	// Nondistributable includes the bytes of foreign layers.
	Nondistributable bool
}

var _ Sink = (*Tarball)(nil)

// NewTarball returns the sink for file, which is replaced if it exists. The image
// is named repository:tag for each of the repositories and each tag of Commit.
func NewTarball(file string, repositories []string, o TarballOptions) *Tarball {
	return &Tarball{file: filepath.Clean(file), repositories: repositories, o: o}
}

// Name implements [Sink].
func (t *Tarball) Name() string { return "tar:" + t.file }

// Check implements [Sink]. A folder in the file's place is a [UsageError].
func (t *Tarball) Check(context.Context) error {
	if fi, err := os.Stat(t.file); err == nil && fi.IsDir() {
		return &UsageError{What: "tarball", Value: t.file, Reason: "is a folder", Try: filepath.Join(t.file, "image.tar")}
	}
	return writable(filepath.Dir(t.file), t.Name())
}

// Holds implements [Sink]: a tarball is written anew each time, so never.
func (t *Tarball) Holds(context.Context, Content, []string) (string, error) { return "", nil }

// Has implements [Sink]: a tarball is written anew each time, so no.
func (t *Tarball) Has(context.Context, v1.Hash) (bool, error) { return false, nil }

// PutLayer implements [Sink].
func (t *Tarball) PutLayer(_ context.Context, layer v1.Layer) (Put, error) {
	skip, err := foreign(layer)
	if err != nil {
		return Put{}, err
	}
	if skip && !t.o.Nondistributable {
		return Put{How: Skipped}, nil
	}
	return Put{How: Deferred}, nil
}

// Stage implements [Sink]: it writes all blobs into a temporary file beside the
// target. Only the names are missing then.
func (t *Tarball) Stage(ctx context.Context, c Content) (Put, error) {
	d, err := t.document(c)
	if err != nil {
		return Put{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// A file that holds a half layer cannot be gone on with.
	err = distribution.Intact(func() error {
		err := t.stage(ctx, d)
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", t.Name(), err), t.discard())
		}
		return err
	})
	if err != nil {
		return Put{}, err
	}
	return Put{How: Written, Bytes: t.archive.size()}, nil
}

// document reads the manifests of what is to be written.
func (t *Tarball) document(c Content) (*document, error) {
	if c.merge != nil {
		return nil, noMerge(t.Name())
	}
	d, err := c.document()
	if err != nil {
		return nil, fmt.Errorf("read the manifest for %s: %w", t.Name(), err)
	}
	return d, nil
}

func (t *Tarball) stage(ctx context.Context, d *document) error {
	if t.archive != nil && t.staged == d.digest {
		return nil
	}
	if err := t.discard(); err != nil {
		return err
	}
	dir := filepath.Dir(t.file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var err error
	if t.tmp, err = newScratch(dir); err != nil {
		return err
	}
	f, err := t.tmp.file()
	if err != nil {
		return err
	}
	t.archive = newArchive(f, t.compressed())
	t.staged = d.digest
	return t.archive.writeBlobs(ctx, d, t.o.Nondistributable)
}

// Commit implements [Sink].
func (t *Tarball) Commit(ctx context.Context, c Content, tags []string) (string, error) {
	if len(t.repositories) == 0 || len(tags) == 0 {
		return "", &UsageError{What: "tarball", Value: t.file, Reason: "an archive needs a repository name and a tag, else docker loads an image without a name", Try: "--tag latest"}
	}
	if _, err := t.Stage(ctx, c); err != nil {
		return "", err
	}
	d, err := t.document(c)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.commit(d, t.names(d, tags)); err != nil {
		return "", errors.Join(fmt.Errorf("write %s: %w", t.Name(), err), t.discard())
	}
	return fmt.Sprintf("%s@%s", t.Name(), t.staged), t.discard()
}

func (t *Tarball) commit(d *document, names []taggedName) error {
	if err := t.archive.writeNames(d, names); err != nil {
		return err
	}
	if err := t.archive.close(); err != nil {
		return err
	}
	return os.Rename(t.archive.file.Name(), t.file)
}

// names returns repository:tag for all repositories and tags, in order.
func (t *Tarball) names(d *document, tags []string) []taggedName {
	namings := d.namings(tags)
	names := make([]taggedName, 0, len(namings)*len(t.repositories))
	for _, r := range t.repositories {
		for _, n := range namings {
			names = append(names, taggedName{name: r + ":" + n.full(), tag: n.full(), doc: n.doc})
		}
	}
	return names
}

// Close implements [Sink].
func (t *Tarball) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.discard()
}

// discard drops the unfinished file; the caller holds the lock.
func (t *Tarball) discard() error {
	var err error
	if t.archive != nil {
		err = t.archive.abandon()
	}
	err = errors.Join(err, t.tmp.Close())
	t.archive, t.tmp = nil, nil
	return err
}

func (t *Tarball) compressed() bool {
	name := strings.ToLower(t.file)
	return strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".tgz")
}
