package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ReferrersTag is the tag that stands for a list of referrers.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
func ReferrersTag(manifest v1.Hash) string { return manifest.Algorithm + "-" + manifest.Hex }

// taggedList is what the tag of a list of referrers names.
type taggedList struct {
	held    Held
	content []byte
	entries []v1.Descriptor
	foreign error // why it is no list of referrers
}

// taggedReferrers reads the list of the tag. There is none after a 404 alone: a 403 may
// hide one, which must neither be written anew nor pass for nothing.
func (r *Repository) taggedReferrers(ctx context.Context, manifest v1.Hash) (taggedList, error) {
	tag := ReferrersTag(manifest)
	doc, err := r.manifest(ctx, tag)
	var absent absentError
	if errors.As(err, &absent) && absent.Status != http.StatusNotFound {
		return taggedList{}, r.hidden(tag, absent.StatusError)
	}
	if err != nil {
		return taggedList{}, present(err)
	}
	list := taggedList{held: doc.Held, content: doc.Content}
	if list.entries, list.foreign = referrersIn(doc.Content); len(list.entries) > maxReferrers {
		return taggedList{}, &ListError{fmt.Sprintf("it has more than %d referrers", maxReferrers)}
	}
	return list, nil
}

// hiddenError says that the tag of a list of referrers may be there and cannot be read.
type hiddenError struct{ tag, answer string }

func (e *hiddenError) Error() string {
	return fmt.Sprintf("the tag %s, which stands for the list, cannot be read (%s), and what it lists would be lost if it were written anew", e.tag, e.answer)
}

func (r *Repository) hidden(tag string, answer *StatusError) error {
	return &Error{
		Doing: "read " + tag + " of", Repository: r.name, Kind: Unauthorized, Err: &hiddenError{tag, answer.Answer()},
		Try: "give the credentials the right to pull, too; where the registry answers so for tags that are not there, it can keep no such list", secrets: r.net.o.Secrets,
	}
}

// tagWrites is how often the list is written when others write it at the same time.
const tagWrites = 5

// tagReferrers sees to it that the tag's list has the entries. The protocol has no
// lock for it: whatever another writer took away is put there again.
func (r *Repository) tagReferrers(ctx context.Context, manifest v1.Hash, entries []v1.Descriptor) error {
	tag := ReferrersTag(manifest)
	for range tagWrites {
		list, err := r.taggedReferrers(ctx, manifest)
		if err != nil {
			return err
		}
		if list.foreign != nil {
			return &ListError{fmt.Sprintf("the tag %s, which stands for the list, names something else: %v", tag, list.foreign)}
		}
		raw, err := list.with(entries)
		if err != nil || raw == nil {
			return err
		}
		if err := r.putManifest(ctx, tag, raw, types.OCIImageIndex, nil); err != nil {
			return err
		}
		held, err := r.HeadAfter(ctx, tag, list.held.Digest)
		if err != nil {
			return err
		}
		if put, err := digestOf("sha256", raw); err != nil || held.Digest == put {
			return err
		}
	}
	return &ListError{fmt.Sprintf("others keep writing the tag %s, which stands for the list", tag)}
}

// with returns the list with the entries, or nil if it has them. What others wrote
// stays as it is.
func (l taggedList) with(entries []v1.Descriptor) ([]byte, error) {
	missing := slices.DeleteFunc(slices.Clone(entries), func(d v1.Descriptor) bool { return lists(l.entries, d.Digest) })
	if len(missing) == 0 {
		return nil, nil
	}
	fields := map[string]json.RawMessage{"schemaVersion": json.RawMessage("2"), "mediaType": json.RawMessage(`"` + types.OCIImageIndex + `"`)}
	var old []json.RawMessage
	if l.content != nil {
		if err := json.Unmarshal(l.content, &fields); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(fields["manifests"], &old); err != nil {
			return nil, err
		}
	}
	for _, d := range missing {
		raw, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		old = append(old, raw)
	}
	all, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	fields["manifests"] = all
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxDocument {
		return nil, &LargeError{What: "the list of referrers"}
	}
	return raw, nil
}

// PutReferrer puts the bytes of a manifest that names another one as its subject, and
// sees to it that [Repository.ListReferrers] has it: where the registry does not list
// it by itself, under the tag that stands for the list, which the entry is for. The
// entry has digest, size, types and annotations of the manifest. Known are entries that
// were put before: they are written again where a registry shows an older state of that
// tag. A failure may leave the manifest in the registry, where nothing lists it.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
func (r *Repository) PutReferrer(ctx context.Context, subject v1.Hash, raw []byte, entry v1.Descriptor, known ...v1.Descriptor) error {
	doing := "put " + entry.Digest.String() + ", which refers to " + subject.String() + ", into"
	return r.explain(ctx, doing, r.putReferrer(ctx, subject, raw, entry, known))
}

func (r *Repository) putReferrer(ctx context.Context, subject v1.Hash, raw []byte, entry v1.Descriptor, known []v1.Descriptor) error {
	var told string
	if err := r.putManifest(ctx, entry.Digest.String(), raw, entry.MediaType, &told); err != nil {
		return err
	}
	listed, err := r.awaitListed(ctx, subject, entry.Digest, told == subject.String())
	if err != nil || listed {
		return err
	}
	return r.tagReferrers(ctx, subject, append([]v1.Descriptor{entry}, known...))
}

// awaitListed tells whether the registry lists the manifest by itself. One that said so
// is asked again if it does not yet.
func (r *Repository) awaitListed(ctx context.Context, subject, manifest v1.Hash, promised bool) (listed bool, err error) {
	var failed error
	err = r.try(ctx, func(ctx context.Context) error {
		found, served, err := r.servedReferrers(ctx, subject)
		failed, listed = err, lists(found, manifest)
		if err == nil && served && promised && !listed {
			return &DamagedError{What: "the list of referrers", Why: "the registry took " + manifest.String() + " and does not list it yet"}
		}
		return nil // an error of the list, too, which has tries of its own
	})
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return false, nil // the tag lists it then
	}
	if err == nil {
		err = failed
	}
	return listed, err
}
