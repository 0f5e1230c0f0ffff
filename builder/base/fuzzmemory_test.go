package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// headOnly is a registry that answers HEAD with a digest, and has nothing.
type headOnly string

var _ Remote = headOnly("")

var errNothing = &RemoteError{Kind: ErrNotFound, Reason: "nothing is there", Err: io.EOF}

func (h headOnly) Head(context.Context, name.Reference) (v1.Hash, error) {
	digest, err := v1.NewHash(string(h))
	if err != nil {
		return digest, errNothing
	}
	return digest, nil
}

func (headOnly) Manifest(context.Context, name.Reference) (Served, error) {
	return Served{}, errNothing
}

func (headOnly) Document(context.Context, name.Repository, v1.Descriptor) ([]byte, error) {
	return nil, errNothing
}

func (headOnly) Blob(context.Context, name.Repository, v1.Descriptor) (io.ReadCloser, error) {
	return nil, errNothing
}

// FuzzMemory resolves from a memory of any bytes, by digest and by tag. In list
// and manifest, MANIFEST and CONFIG stand for the digest and size of the next;
// the bits of wrong say which of the three are kept with other bytes.
func FuzzMemory(f *testing.F) {
	const platform = `"platform":{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1"}`
	config := `{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1","rootfs":{"diff_ids":["` + someDigest + `"]}}`
	image := `{"schemaVersion":2,"config":{CONFIG,"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[{"size":1,"digest":"` + someDigest + `"}]}`
	for wrong := range byte(8) {
		f.Add(`{"manifests":[{MANIFEST,`+platform+`}]}`, image, config, string(types.OCIImageIndex), "", wrong)
	}
	f.Add(`{"manifests":[{MANIFEST}]}`, image, config, "", "sha256:", byte(0))
	f.Add(image, `{"manifests":[{MANIFEST}]}`, config, string(types.OCIManifestSchema1), someDigest, byte(0))
	f.Fuzz(func(t *testing.T, list, manifest, config, mediaType, head string, wrong byte) {
		memory := NewRemembered()
		keep := func(raw string, bit byte) v1.Hash {
			digest, err := digestOf([]byte(raw), "sha256")
			if err != nil {
				t.Fatal(err)
			}
			if wrong&bit != 0 {
				raw = strings.Replace(raw+" ", "windows", "Windows", 1)
			}
			memory.KeepDocument(digest, types.MediaType(mediaType), []byte(raw))
			return digest
		}
		manifest = strings.ReplaceAll(manifest, "CONFIG", fmt.Sprintf(`"digest":"%s","size":%d`, keep(config, 4), len(config)))
		list = strings.ReplaceAll(list, "MANIFEST", fmt.Sprintf(`"digest":"%s","size":%d`, keep(manifest, 2), len(manifest)))
		root := keep(list, 1)
		o := Options{Remote: headOnly(head), Memory: memory}
		const repo = "localhost:5000/x"
		b, err := Resolve(t.Context(), repo+"@"+root.String(), o)
		checkRemembered(t, b, err, root, wrong)
		if head == "" {
			o.Remote = headOnly(root.String())
		}
		memory.KeepTag(repo+":latest", root)
		b, err = Resolve(t.Context(), repo, o)
		if head != "" && head != root.String() && err == nil && b.Digest.String() != head && (b.Index == nil || b.Index.String() != head) {
			t.Errorf("the tag names %s, not %s", b.Digest, head)
		}
		if head == "" {
			checkRemembered(t, b, err, root, wrong)
		}
	})
}

// checkRemembered wants no base of bytes that have not their digests.
func checkRemembered(t *testing.T, b *Base, err error, root v1.Hash, wrong byte) {
	t.Helper()
	if err != nil {
		if errors.Is(err, ErrUnreachable) {
			t.Errorf("the registry answers, but: %v", err)
		}
		return
	}
	if wrong&1 != 0 || wrong&2 != 0 && b.Index != nil {
		t.Errorf("a base of wrong bytes: %s", b.Manifest)
	}
	if b.Digest != root && (b.Index == nil || *b.Index != root) {
		t.Errorf("%s of %v, want %s", b.Digest, b.Index, root)
	}
	doc, err := parse(b.Manifest, b.Digest, b.MediaType)
	if err != nil {
		t.Fatal(err)
	}
	for d, raw := range map[v1.Hash][]byte{b.Digest: b.Manifest, doc.image.Config.Digest: b.Config} {
		if got, err := digestOf(raw, d.Algorithm); err != nil || got != d {
			t.Errorf("bytes of %s instead of %s, %v", got, d, err)
		}
	}
}
