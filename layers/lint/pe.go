package lint

import (
	"encoding/binary"
	"errors"
)

// What the headers of a program say:
// https://learn.microsoft.com/windows/win32/debug/pe-format
const consoleProgram = 3

var machines = map[string]uint16{"amd64": 0x8664, "arm64": 0xaa64}

type peInfo struct {
	machine   uint16
	subsystem uint16
}

// readPE reads the beginning of a program.
func readPE(b []byte) (peInfo, error) {
	const (
		peOffset     = 0x3c // holds the offset of the PE header
		optional     = 24   // the optional header, from the PE header
		subsystemAt  = optional + 68
		subsystemEnd = subsystemAt + 2
	)
	if len(b) < peOffset+4 || string(b[:2]) != "MZ" {
		return peInfo{}, errors.New("it does not begin with an MZ header")
	}
	at := int64(binary.LittleEndian.Uint32(b[peOffset:]))
	if at+subsystemEnd > int64(len(b)) || string(b[at:at+4]) != "PE\x00\x00" {
		return peInfo{}, errors.New("it has no PE header")
	}
	return peInfo{
		machine:   binary.LittleEndian.Uint16(b[at+4:]),
		subsystem: binary.LittleEndian.Uint16(b[at+subsystemAt:]),
	}, nil
}
