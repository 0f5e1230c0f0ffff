package sampleapp

import (
	"bytes"
	"debug/pe"
	"strings"
	"testing"
)

func TestProgramIsAPortableExecutable(t *testing.T) {
	t.Parallel()
	b := Program("hello from nanobuild")
	f, err := pe.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != pe.IMAGE_FILE_MACHINE_AMD64 {
		t.Errorf("machine = %#x, want amd64", f.Machine)
	}
	imports, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(imports, " ")
	want := "GetStdHandle:kernel32.dll WriteFile:kernel32.dll ExitProcess:kernel32.dll"
	if got != want {
		t.Errorf("imports = %s, want %s", got, want)
	}
	if len(b) > 1536 {
		t.Errorf("the program is %d bytes, want about 1 KB", len(b))
	}
}
