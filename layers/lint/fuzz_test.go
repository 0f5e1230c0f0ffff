package lint

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// FuzzImage feeds foreign manifests and configs, with foreign bytes as the layer:
// no panic, no endless report, and what cannot be read is refused.
func FuzzImage(f *testing.F) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	manifest := `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":1,"digest":"` + digest + `"},` +
		`"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":1,"digest":"` + digest + `"}]}`
	config := `{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1","config":{"Env":["A=1","a=2","PATH=x","B="],"Entrypoint":["C:\\\\app\\\\a.exe"],"WorkingDir":"C:\\\\app"},` +
		`"rootfs":{"type":"layers","diff_ids":["` + digest + `"]},"history":[{"created":"2026-11-25T12:00:00Z"},{"empty_layer":true}]}`
	tar := pack(f, layerOf(dir("Files/app"), file("Files/app/a.exe"), file("Files/app/a.runtimeconfig.json"))).Bytes()
	f.Add([]byte(manifest), []byte(config), tar)
	f.Add([]byte(`{"layers":null}`), []byte(`{"rootfs":null}`), []byte(nil))
	f.Add([]byte(`{"layers":[{},{}],"manifests":[{"platform":{"os":"windows"}},{"platform":{"os":"windows"}}]}`), []byte(`{"history":[null]}`), []byte("x"))
	f.Fuzz(func(t *testing.T, manifest, config, tar []byte) {
		in := ImageInput{
			Manifest: manifest, Config: config, Base: &BaseImage{Manifest: config, Config: manifest}, Target: "app",
			Layers: []ImageLayer{{Tar: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tar)), nil }}},
		}
		for _, base := range []*BaseImage{nil, {manifest, config}, in.Base} {
			in.Base = base
			if r, err := Image(in); err == nil {
				checkReport(t, r)
			}
		}
		checkReport(t, Index(manifest, map[v1.Hash][]byte{{}: config}))
	})
}

func checkReport(t *testing.T, r Report) {
	t.Helper()
	if len(r.Findings) > 500 {
		t.Errorf("%d findings", len(r.Findings))
	}
	if err := r.Err(); err != nil && len(err.Error()) > 40_000 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

// FuzzBlob feeds foreign blobs, as they are and packed.
func FuzzBlob(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"), false)
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\x58\x00\x00"), true)
	f.Add([]byte("\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00A"), true)
	f.Fuzz(func(t *testing.T, data []byte, zstd bool) {
		by := layers.Gzip
		if zstd {
			by = layers.Zstd
		}
		digest, size, err := v1.SHA256(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Blob(bytes.NewReader(data), by, digest, v1.Hash{}, size)
		if err != nil {
			t.Fatalf("an error of the reader where there is none: %v", err)
		}
		checkReport(t, r)
		if r.OK() || r.Bytes != size {
			t.Errorf("%d bytes of %d, and no digest of the content is no fault", r.Bytes, size)
		}
	})
}

// FuzzProgram feeds foreign programs and paths.
func FuzzProgram(f *testing.F) {
	f.Add([]byte("MZ"+strings.Repeat("\x00", 58)+"\x40\x00\x00\x00PE\x00\x00\x64\x86"+strings.Repeat("\x00", 100)), `C:\app\a.exe`)
	f.Add([]byte("MZ"+strings.Repeat("\xff", 70)), `..\..\x`)
	f.Fuzz(func(t *testing.T, program []byte, arg string) {
		if info, err := readPE(program); err != nil && info != (peInfo{}) {
			t.Errorf("%+v beside an error", info)
		}
		c := &imageCheck{config: &v1.ConfigFile{Config: v1.Config{Entrypoint: []string{arg}, WorkingDir: arg}}}
		if p := c.program(); strings.HasPrefix(p, "/") || p == ".." || strings.HasPrefix(p, "../") {
			t.Errorf("%q is the program %q", arg, p)
		}
	})
}

// FuzzTimes holds the times of PAX records to what archive/tar makes of them.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"0", "-1", "1.5", "-1.5", "1.", ".1", "9223372036854775807", "1.0000000001", "x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseTime(s)
		if err != nil {
			return
		}
		h := tar.Header{Name: "x", Typeflag: tar.TypeReg, ModTime: at, PAXRecords: map[string]string{recordCreation: s}}
		for _, finding := range times(&h) {
			if finding.Class == BadRecord {
				t.Errorf("%q is read as %s, and refused: %v", s, at, finding)
			}
		}
	})
}
