package main_test

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"strings"
	"testing"
)

const (
	forwarderAlignment = 0x200  // of parts in the file
	forwarderSection   = 0x1000 // address of the only section, and alignment in memory
)

// forwarder is a library for 64-bit Windows programs without any code: whoever
// asks it for function gets target ("LIBRARY.FUNCTION", without .dll). The format:
// https://learn.microsoft.com/windows/win32/debug/pe-format#export-directory-table
func forwarder(library, function, target string) ([]byte, error) {
	section := exportSection(library, function, target)
	size := uint32(len(section))
	stored := (size + forwarderAlignment - 1) / forwarderAlignment * forwarderAlignment

	optional := pe.OptionalHeader64{
		Magic: 0x20b, SizeOfInitializedData: stored, ImageBase: 0x180000000,
		SectionAlignment: forwarderSection, FileAlignment: forwarderAlignment,
		MajorOperatingSystemVersion: 6, MajorSubsystemVersion: 6,
		SizeOfImage: 2 * forwarderSection, SizeOfHeaders: forwarderAlignment,
		Subsystem: pe.IMAGE_SUBSYSTEM_WINDOWS_CUI, NumberOfRvaAndSizes: 16,
		DllCharacteristics: pe.IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE | pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
	}
	optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT] = pe.DataDirectory{VirtualAddress: forwarderSection, Size: size}
	header := pe.SectionHeader32{
		VirtualSize: size, VirtualAddress: forwarderSection, SizeOfRawData: stored, PointerToRawData: forwarderAlignment,
		Characteristics: pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ,
	}
	copy(header.Name[:], ".edata")

	dos := make([]byte, 64)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[0x3c:], uint32(len(dos))) // where the next header is
	out := bytes.NewBuffer(dos)
	for _, part := range []any{
		[]byte("PE\x00\x00"),
		pe.FileHeader{
			Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1, SizeOfOptionalHeader: uint16(binary.Size(optional)),
			Characteristics: pe.IMAGE_FILE_EXECUTABLE_IMAGE | pe.IMAGE_FILE_LARGE_ADDRESS_AWARE | pe.IMAGE_FILE_DLL,
		},
		optional, header,
	} {
		if err := binary.Write(out, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	out.Write(make([]byte, forwarderAlignment-out.Len()))
	out.Write(section)
	out.Write(make([]byte, int(stored-size)))
	return out.Bytes(), nil
}

// exportDirectory is the export directory table of a library.
type exportDirectory struct {
	Flags, Time                   uint32
	Major, Minor                  uint16
	Name, Base, Functions, Names  uint32
	FunctionsAt, NamesAt, OrderAt uint32
}

// exportSection holds the directory, its three tables of one entry each, and the
// texts that they point to. An address inside the directory makes an export a
// forwarder.
func exportSection(library, function, target string) []byte {
	const address = forwarderSection + 40
	libraryAt := uint32(address + 4 + 4 + 2)
	functionAt := libraryAt + uint32(len(library)) + 1
	targetAt := functionAt + uint32(len(function)) + 1
	var b bytes.Buffer
	for _, part := range []any{
		exportDirectory{Name: libraryAt, Base: 1, Functions: 1, Names: 1, FunctionsAt: address, NamesAt: address + 4, OrderAt: address + 8},
		targetAt, functionAt, uint16(0),
		[]byte(library + "\x00" + function + "\x00" + target + "\x00"),
	} {
		_ = binary.Write(&b, binary.LittleEndian, part) // of fixed size, into memory
	}
	return b.Bytes()
}

// TestForwarder reads the library with an independent reader.
func TestForwarder(t *testing.T) {
	t.Parallel()
	b, err := forwarder("some.dll", "Ask", "OTHER.Answer")
	if err != nil {
		t.Fatal(err)
	}
	f, err := pe.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.Sections[0].Data()
	if err != nil {
		t.Fatal(err)
	}
	var d exportDirectory
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, &d); err != nil {
		t.Fatal(err)
	}
	word := func(at uint32) uint32 { return binary.LittleEndian.Uint32(data[at-forwarderSection:]) }
	text := func(at uint32) string { s, _, _ := strings.Cut(string(data[at-forwarderSection:]), "\x00"); return s }
	got := strings.Join([]string{text(d.Name), text(word(d.NamesAt)), text(word(d.FunctionsAt))}, " ")
	if want := "some.dll Ask OTHER.Answer"; got != want {
		t.Errorf("the library says %q, want %q", got, want)
	}
}
