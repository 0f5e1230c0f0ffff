package base

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder/winver"
)

func FuzzReference(f *testing.F) {
	for _, s := range []string{"", "ltsc2022", "nanoserver:x", "servercore@" + someDigest, `oci:C:\a:b`, "oci:a@" + someDigest, "tar:x", "[::1]:5/x", "a/b:c@" + someDigest, "oci::", "oci:@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		full := Expand(ref)
		if again := Expand(full); again != full {
			t.Errorf("Expand(%q) = %q, and that expands to %q", ref, full, again)
		}
		_, rest := locate(full)
		for _, s := range selections(rest) {
			if s.name != "" && s.path+":"+s.name != rest || s.digest != nil && s.path+"@"+s.digest.String() != rest {
				t.Errorf("%q is split into %+v", rest, s)
			}
		}
		parsed, err := parseReference(ref)
		if err != nil {
			return
		}
		again, err := parseReference(writtenOut(parsed))
		if err != nil || writtenOut(again) != writtenOut(parsed) {
			t.Errorf("%q has the name %q, which reads as %v, %v", ref, writtenOut(parsed), again, err)
		}
	})
}

// memory is a layout without a folder.
type memory map[string][]byte

func (m memory) open(p string) (io.ReadCloser, int64, error) {
	b, ok := m[p]
	if !ok {
		return nil, 0, fmt.Errorf("%s: %w", p, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func (m memory) head(p string) ([]byte, error) {
	b, ok := m[p]
	if !ok {
		return nil, fmt.Errorf("%s: %w", p, fs.ErrNotExist)
	}
	return b[:min(len(b), headSize)], nil
}

func (m memory) reach(string) int64 { return 0 }

func (m memory) add(t testing.TB, s string) v1.Hash {
	h, err := digestOf([]byte(s), "sha256")
	if err != nil {
		t.Fatal(err)
	}
	p, _ := blobPath(h)
	m[p] = []byte(s)
	return h
}

// FuzzIndex feeds any index.json, manifest and config. In them, MANIFEST and
// CONFIG stand for the digest and size of the other.
func FuzzIndex(f *testing.F) {
	const platform = `"platform":{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1"}`
	config := `{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1","rootfs":{"diff_ids":[]}}`
	image := `{"schemaVersion":2,"config":{CONFIG,"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[]}`
	for _, index := range []string{
		`{"manifests":[{MANIFEST,` + platform + `}]}`, `{"manifests":[{MANIFEST}]}`, `{"manifests":[{MANIFEST},{MANIFEST,` + platform + `}]}`,
		`{"manifests":[{MANIFEST,"annotations":{"org.opencontainers.image.ref.name":"x"}}]}`,
		`{"manifests":[{MANIFEST,"mediaType":"application/vnd.oci.image.index.v1+json"}]}`, `{"manifests":null}`, `[]`,
	} {
		f.Add(index, image, config, "")
		f.Add(index, `{"manifests":[]}`, config, "10.0.20348")
	}
	f.Fuzz(func(t *testing.T, index, manifest, config, osVersion string) {
		if CheckOSVersion(osVersion) != nil {
			return
		}
		m := memory{}
		manifest = strings.ReplaceAll(manifest, "CONFIG", fmt.Sprintf(`"digest":"%s","size":%d`, m.add(t, config), len(config)))
		index = strings.ReplaceAll(index, "MANIFEST", fmt.Sprintf(`"digest":"%s","size":%d`, m.add(t, manifest), len(manifest)))
		m["index.json"] = []byte(index)
		l, err := fromLayout(t.Context(), "oci:x", m, selection{})
		if err != nil {
			return
		}
		doc := l.top
		if doc.index != nil {
			chosen, err := choose(t.Context(), l, doc, wanted{osVersion: osVersion})
			if err != nil {
				return
			}
			c := chosen[0]
			if p := c.platform; p.OS != "windows" || p.Architecture != "amd64" || osVersion != "" && !matches(p.OSVersion, osVersion) {
				t.Errorf("chose %s for %q", describe(p), osVersion)
			}
			if doc, err = l.manifest(t.Context(), c.desc); err != nil {
				return
			}
		}
		b, err := read(t.Context(), l, doc, wanted{osVersion: osVersion})
		if err != nil {
			return
		}
		if h, err := digestOf(b.Manifest, b.Digest.Algorithm); err != nil || h != b.Digest {
			t.Errorf("digest %s of a manifest with the digest %s, %v", b.Digest, h, err)
		}
	})
}

// fuzzKeep is small, so that small inputs have large files.
const fuzzKeep = 8

// FuzzTar reads any bytes as an archive. What is found at the offsets of a plain
// one has to be what archive/tar reads there.
func FuzzTar(f *testing.F) {
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for name, size := range map[string]int{"manifest.json": 2, "big": fuzzKeep + 1, "./a/../empty": 0} {
		if err := tw.WriteHeader(&tar.Header{Name: name, Size: int64(size)}); err != nil {
			f.Fatal(err)
		}
		if _, err := tw.Write(bytes.Repeat([]byte("x"), size)); err != nil {
			f.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openArchive(t.Context(), "tar:x", file); err == nil {
			t.Log("an image")
		}
		archive, err := scanTar(t.Context(), file, fuzzKeep)
		if err != nil || archive.compressed {
			return
		}
		compareContent(t, archive, data)
	})
}

func compareContent(t *testing.T, archive *tarball, data []byte) {
	want := map[string][]byte{}
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if err != nil {
			break
		}
		delete(want, path.Clean(h.Name))
		if h.Typeflag == tar.TypeReg && !isSparse(h) {
			if body, err := io.ReadAll(tr); err == nil {
				want[path.Clean(h.Name)] = body
			}
		}
	}
	for name, body := range want {
		if e := archive.entries[name]; e.link != "" {
			continue
		}
		rc, size, err := archive.open(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(rc)
		if err = errors.Join(err, rc.Close()); err != nil || !bytes.Equal(got, body) || size != int64(len(body)) {
			t.Errorf("%s: %d bytes of %d, want %d, %v", name, len(got), size, len(body), err)
		}
	}
}

// FuzzDocument feeds manifests, lists and configs: what is accepted has one shape,
// and nothing in it leads astray or takes unreasonably much memory.
func FuzzDocument(f *testing.F) {
	const config = `"config":{"digest":"` + someDigest + `","size":2,"mediaType":"application/vnd.oci.image.config.v1+json"}`
	for _, raw := range []string{
		`{"schemaVersion":2,` + config + `,"layers":[{"digest":"` + someDigest + `","size":1,"urls":["https://x"]}]}`,
		`{"schemaVersion":2,"manifests":[{"digest":"` + someDigest + `","size":1,"platform":{"os":"windows","os.version":"10.0.1.2"}}]}`,
		`{"schemaVersion":1,"fsLayers":[]}`, `{"manifests":[],"layers":[]}`, `{"layers":null,"config":{}}`, "<html>", `{"Layers":[],"layers":[]}`,
		`{"os":"windows","architecture":"amd64","rootfs":{"diff_ids":["` + someDigest + `"]}}`,
	} {
		f.Add([]byte(raw), string(types.OCIManifestSchema1))
		f.Add([]byte(raw), string(types.DockerManifestList)+"; charset=utf-8")
	}
	f.Fuzz(func(t *testing.T, raw []byte, declared string) {
		d, err := parse(raw, v1.Hash{Algorithm: "sha256", Hex: "00"}, types.MediaType(declared))
		if err == nil {
			checkDocument(t, d)
		}
		c, err := parseConfig(raw, &v1.Manifest{Layers: make([]v1.Descriptor, 1)})
		if err == nil && (c.OS == "" || len(c.RootFS.DiffIDs) != 1) {
			t.Errorf("config %+v", c)
		}
	})
}

func checkDocument(t *testing.T, d document) {
	t.Helper()
	if (d.image == nil) == (d.index == nil) || d.mediaType.IsImage() != (d.image != nil) || d.mediaType.IsIndex() != (d.index != nil) {
		t.Fatalf("%s is an image (%v) and a list (%v)", d.mediaType, d.image, d.index)
	}
	if d.index != nil {
		return
	}
	if len(d.image.Layers) > maxLayers || d.image.Config.Size < 0 || d.image.Config.Size > maxJSON {
		t.Errorf("%d layers, a config of %d bytes", len(d.image.Layers), d.image.Config.Size)
	}
	for _, l := range append(d.image.Layers, d.image.Config) {
		if p, ok := blobPath(l.Digest); l.Size < 0 || !ok || path.Dir(p) != "blobs/"+l.Digest.Algorithm || strings.Contains(p, "..") {
			t.Errorf("a blob of %d bytes at %s", l.Size, p)
		}
	}
}

// FuzzVersions matches versions of Windows.
func FuzzVersions(f *testing.F) {
	f.Add("10.0.20348.1", "10.0.20348", "10.0.20348.2")
	f.Add("", "x", "1..2")
	f.Add("18446744073709551616", "+1", "-0")
	f.Add("000", "0", "00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if CheckOSVersion(a) == nil && a != "" && !matches(a, a) {
			t.Errorf("%q does not match itself", a)
		}
		if CheckOSVersion(b) == nil && matches(a, b) && matches(c, b) && winver.BuildOf(a) != winver.BuildOf(c) {
			t.Errorf("%q and %q are the build %q", a, c, b)
		}
	})
}
