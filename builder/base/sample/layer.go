package sample

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// foreignURL is where foreign layers say they can be had. The name is reserved
// (RFC 2606): nothing answers there.
const foreignURL = "https://base.example.com/v2/windows/nanoserver/blobs/"

// makeLayer returns layer i of a base.
func makeLayer(o Options, i int) (*blob, error) {
	var plain bytes.Buffer
	if err := writeTar(&plain, o, i); err != nil {
		return nil, err
	}
	diffID, _, err := v1.SHA256(bytes.NewReader(plain.Bytes()))
	if err != nil {
		return nil, err
	}
	b := &blob{data: plain.Bytes(), diffID: diffID}
	if !o.Uncompressed {
		if b.data, err = compress(b.data); err != nil {
			return nil, err
		}
	}
	hash, size, err := v1.SHA256(bytes.NewReader(b.data))
	if err != nil {
		return nil, err
	}
	b.desc = v1.Descriptor{MediaType: layerType(o, i), Size: size, Digest: hash}
	if o.Foreign && i == 0 {
		b.desc.URLs = []string{foreignURL + hash.String()}
	}
	return b, nil
}

func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func layerType(o Options, i int) types.MediaType {
	foreign, plain := o.Foreign && i == 0, o.Uncompressed && !o.Mislabel
	switch {
	case o.OCI && foreign && plain:
		return types.OCIUncompressedRestrictedLayer
	case o.OCI && foreign:
		return types.OCIRestrictedLayer
	case o.OCI && plain:
		return types.OCIUncompressedLayer
	case o.OCI:
		return types.OCILayer
	case foreign:
		return types.DockerForeignLayer
	case plain:
		return types.DockerUncompressedLayer
	}
	return types.DockerLayer
}

// writeTar writes layer i: the first holds folders and files where Windows has
// them, with made-up content; the others change one file each.
func writeTar(w io.Writer, o Options, i int) error {
	tw := tar.NewWriter(w)
	entries := updateEntries(i)
	if i == 0 {
		entries = baseEntries(o)
	}
	for _, e := range entries {
		if err := writeEntry(tw, e); err != nil {
			return err
		}
	}
	if i == 0 && o.Padding > 0 {
		if err := writePadding(tw, o.Padding); err != nil {
			return err
		}
	}
	return tw.Close()
}

// entry is a file, or a folder when it has no body.
type entry struct {
	name, body string
}

func baseEntries(o Options) []entry {
	e := []entry{
		{"Files", ""}, {"Files/License.txt", "A made-up base image. It runs nothing.\n"},
		{"Files/ProgramData", ""},
		{"Files/Users", ""}, {"Files/Users/ContainerUser", ""}, {"Files/Users/Public", ""},
		{"Files/Windows", ""}, {"Files/Windows/System32", ""}, {"Files/Windows/System32/config", ""},
	}
	for _, hive := range []string{"DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"} {
		e = append(e, entry{"Files/Windows/System32/config/" + hive, "not a registry hive: " + hive + "\n"})
	}
	e = append(e,
		entry{"Files/Windows/System32/cmd.exe", "not a program\n"},
		entry{"Files/Windows/System32/version.txt", o.OSVersion + "\n"},
	)
	for _, f := range o.Folders {
		e = append(e, entry{"Files/" + f, ""})
	}
	e = append(e, entry{"Hives", ""})
	for _, hive := range []string{"DefaultUser", "Sam", "Security", "Software", "System"} {
		e = append(e, entry{"Hives/" + hive + "_Base", "not a registry hive: " + hive + "\n"})
	}
	dir := "UtilityVM"
	e = append(e, entry{dir, ""})
	for _, d := range []string{"Files", "EFI", "Microsoft", "Boot"} {
		dir += "/" + d
		e = append(e, entry{dir, ""})
	}
	return append(e, entry{dir + "/BCD", "not boot data\n"}, entry{dir + "/bootmgfw.efi", "not a boot manager\n"})
}

func updateEntries(i int) []entry {
	return []entry{
		{"Hives", ""}, {"Files", ""}, {"Files/Windows", ""}, {"Files/Windows/System32", ""},
		{fmt.Sprintf("Files/Windows/System32/update%d.txt", i), fmt.Sprintf("update %d\n", i)},
	}
}

func writeEntry(tw *tar.Writer, e entry) error {
	h := header(e.name, int64(len(e.body)))
	if e.body == "" {
		h.Typeflag, h.Mode = tar.TypeDir, 0o040755
		h.PAXRecords["MSWINDOWS.fileattr"] = "16"
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.WriteString(tw, e.body)
	return err
}

// header returns that of a file, with the records Windows layers carry.
func header(name string, size int64) *tar.Header {
	t := time.Unix(0, 0).UTC()
	return &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o100755, Format: tar.FormatPAX,
		ModTime: t, AccessTime: t, ChangeTime: t,
		PAXRecords: map[string]string{"MSWINDOWS.fileattr": "32", "LIBARCHIVE.creationtime": "0"},
	}
}

func writePadding(tw *tar.Writer, n int64) error {
	if err := tw.WriteHeader(header("Files/Windows/System32/padding.bin", n)); err != nil {
		return err
	}
	var seed [32]byte
	_, err := io.CopyN(tw, rand.NewChaCha8(seed), n)
	return err
}
