package base

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// query is a search for a base in registries: where it is, and in mirrors of that.
type query struct {
	given  string         // as the user wrote it
	asked  name.Reference // the same, written out
	remote Remote
	log    *slog.Logger
	known  known
}

func newQuery(given string, o Options) (*query, error) {
	asked, err := parseReference(given)
	if err != nil {
		return nil, err
	}
	if o.Remote == nil {
		return nil, errors.New("registries are not read here")
	}
	q := &query{given: given, asked: asked, remote: o.Remote, log: o.Log, known: known{earlier: o.Memory, docs: map[v1.Hash]blob{}}}
	if q.log == nil {
		q.log = slog.New(slog.DiscardHandler)
	}
	return q, nil
}

func parseReference(given string) (name.Reference, error) {
	if isPath(given) {
		return nil, fmt.Errorf("%[1]s is a path, not the name of an image; give oci:%[1]s for an OCI layout or tar:%[1]s for an archive of docker save", given)
	}
	ref, err := name.ParseReference(Expand(given))
	if err != nil {
		return nil, fmt.Errorf("%w; give a short name such as ltsc2022, REGISTRY/REPOSITORY:TAG without https://, oci:DIR or tar:FILE", err)
	}
	return ref, nil
}

// isPath says whether a reference looks like a file or folder of this machine.
func isPath(ref string) bool {
	return strings.HasPrefix(ref, "/") || strings.HasPrefix(ref, ".") || strings.HasPrefix(ref, "~") || strings.ContainsRune(ref, '\\')
}

// writtenOut writes a reference with docker.io and latest where they were left
// out, and with tag and digest where both were given.
func writtenOut(ref name.Reference) string {
	full := strings.Replace(ref.Name(), name.DefaultRegistry+"/", dockerHub+"/", 1)
	d, ok := ref.(name.Digest)
	if !ok {
		return full
	}
	before, _, _ := strings.Cut(d.String(), "@")
	if _, tag, ok := strings.Cut(before[strings.LastIndexByte(before, '/')+1:], ":"); ok {
		return strings.Replace(full, "@", ":"+tag+"@", 1)
	}
	return full
}

// resolveRemote finds bases in the first of its places that has it.
func resolveRemote(ctx context.Context, given string, o Options, w wanted) ([]*Base, error) {
	q, err := newQuery(given, o)
	if err != nil {
		return nil, err
	}
	places, err := placesOf(q.asked, o.Mirrors)
	if err != nil {
		return nil, err
	}
	found, err := q.search(ctx, places, w)
	if err != nil {
		return nil, q.remedy(err, o.What)
	}
	return found, nil
}

func (q *query) search(ctx context.Context, places []name.Reference, w wanted) ([]*Base, error) {
	repos := make([]name.Repository, len(places))
	for i, p := range places {
		repos[i] = p.Context()
	}
	var failed misses
	for i, at := range places {
		src := &registry{query: q, at: at, repos: repos[i:]}
		found, err := from(ctx, src, w)
		if err == nil {
			src.settle(found)
			return found, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if at == q.asked {
			err = explainAlias(err, q.given)
		}
		failed = append(failed, miss{repos[i], err})
		if !elsewhere(err) {
			break
		}
		q.tell(ctx, failed, repos)
	}
	if len(failed) == 1 && places[0] == q.asked {
		return nil, failed[0].err
	}
	return nil, failed
}

// tell says that the next of the repositories is asked after one failed.
func (q *query) tell(ctx context.Context, failed misses, repos []name.Repository) {
	if len(failed) == len(repos) {
		return
	}
	m, level := failed[len(failed)-1], slog.LevelWarn
	if errors.Is(m.err, ErrNotFound) {
		level = slog.LevelDebug // a mirror need not hold everything
	}
	q.log.Log(ctx, level, fmt.Sprintf("%s: %s; asking %s", m.repo, m.reason(), repos[len(failed)]))
}

// last returns the digest that the tag named when it was last asked for, if the
// document is still known.
func (q *query) last() (v1.Hash, bool) {
	if _, ok := q.asked.(name.Tag); !ok {
		return v1.Hash{}, false
	}
	digest, ok := q.known.tag(q.asked.Name())
	if ok {
		_, ok = q.known.document(v1.Descriptor{Digest: digest, Size: anySize})
	}
	return digest, ok
}

// remedy adds to the error of a registry that cannot be asked how to go on
// without it. That is the user's choice: a tag may have moved.
func (q *query) remedy(err error, what string) error {
	if !errors.Is(err, ErrUnreachable) {
		return err
	}
	digest, ok := q.last()
	if !ok {
		return err
	}
	verb := "pass --base"
	if what != "" {
		verb = "give"
	}
	return fmt.Errorf("%w; to go on with what it was last, %s %s@%s", err, verb, writtenOut(q.asked), digest)
}
