package sampleapp

import (
	"bytes"
	"encoding/binary"
)

// The program is a PE32+ image with one section that holds code, imports and
// the message. Layout and field values follow
// https://learn.microsoft.com/windows/win32/debug/pe-format.
const (
	imageBase     = 0x140000000
	sectionRVA    = 0x1000
	fileAlignment = 0x200
	headersSize   = 0x200
	peOffset      = 0x40
	optionalSize  = 240 // PE32+ with 16 data directories

	machineAMD64       = 0x8664
	subsystemConsole   = 3
	executableLargeFix = 0x23 // relocations stripped, executable, large addresses
	nxTerminalServer   = 0x8100
	codeReadExecute    = 0x60000020
)

// Program returns a Windows program for amd64 that prints the message and a line
// break on its standard output and ends with exit code 0. It imports nothing but
// kernel32.dll.
func Program(message string) []byte {
	section := programSection(message + "\r\n")
	var out bytes.Buffer
	writeHeaders(&out, section)
	out.Write(make([]byte, headersSize-out.Len()))
	out.Write(section.bytes)
	out.Write(make([]byte, align(len(section.bytes), fileAlignment)-len(section.bytes)))
	return out.Bytes()
}

type section struct {
	bytes              []byte
	importRVA, iatRVA  uint32
	importSize, iatLen uint32
}

// programSection lays out: code, message, import directory, lookup table,
// address table, names.
func programSection(message string) section {
	functions := []string{"GetStdHandle", "WriteFile", "ExitProcess"}
	const codeLen = 60
	messageAt := codeLen
	importAt := align(messageAt+len(message), 8)
	lookupAt := importAt + 2*20 // one descriptor and the terminator
	thunks := 8 * (len(functions) + 1)
	iatAt := lookupAt + thunks
	dllAt := iatAt + thunks
	at := align(dllAt+len("kernel32.dll")+1, 2)

	names := make([]int, len(functions))
	for i, f := range functions {
		names[i] = at
		at = align(at+2+len(f)+1, 2) // hint, name, NUL
	}
	b := make([]byte, at)
	copy(b, programCode(messageAt, len(message), iatAt))
	copy(b[messageAt:], message)
	for i, field := range []int{lookupAt, 0, 0, dllAt, iatAt} {
		if field != 0 {
			binary.LittleEndian.PutUint32(b[importAt+4*i:], sectionRVA+uint32(field))
		}
	}
	copy(b[dllAt:], "kernel32.dll")
	for i, f := range functions {
		rva := uint64(sectionRVA + names[i])
		binary.LittleEndian.PutUint64(b[lookupAt+8*i:], rva)
		binary.LittleEndian.PutUint64(b[iatAt+8*i:], rva)
		copy(b[names[i]+2:], f)
	}
	return section{
		bytes:     b,
		importRVA: sectionRVA + uint32(importAt), importSize: 40,
		iatRVA: sectionRVA + uint32(iatAt), iatLen: uint32(thunks),
	}
}

// programCode is WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), message, n, &written,
// NULL) and ExitProcess(0) in the x64 calling convention.
func programCode(messageAt, messageLen, iatAt int) []byte {
	var c []byte
	relative := func(opcode []byte, target int) {
		c = append(c, opcode...)
		c = binary.LittleEndian.AppendUint32(c, uint32(int32(target-(len(c)+4))))
	}
	call := []byte{0xff, 0x15}                    // call [rip+…]
	c = append(c, 0x48, 0x83, 0xec, 0x38)         // sub rsp, 56
	c = append(c, 0xb9, 0xf5, 0xff, 0xff, 0xff)   // mov ecx, -11
	relative(call, iatAt)                         // GetStdHandle
	c = append(c, 0x48, 0x89, 0xc1)               // mov rcx, rax
	relative([]byte{0x48, 0x8d, 0x15}, messageAt) // lea rdx, [message]
	c = append(c, 0x41, 0xb8)                     // mov r8d, n
	c = binary.LittleEndian.AppendUint32(c, uint32(messageLen))
	c = append(c, 0x4c, 0x8d, 0x4c, 0x24, 0x30)             // lea r9, [rsp+48]
	c = append(c, 0x48, 0xc7, 0x44, 0x24, 0x20, 0, 0, 0, 0) // mov qword [rsp+32], 0
	relative(call, iatAt+8)                                 // WriteFile
	c = append(c, 0x31, 0xc9)                               // xor ecx, ecx
	relative(call, iatAt+16)                                // ExitProcess
	return append(c, 0xcc)                                  // int3, never reached
}

func writeHeaders(out *bytes.Buffer, s section) {
	dos := make([]byte, peOffset)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[0x3c:], peOffset)
	out.Write(dos)
	put := func(fields ...any) {
		for _, f := range fields {
			_ = binary.Write(out, binary.LittleEndian, f) // a bytes.Buffer takes every write
		}
	}
	raw := uint32(align(len(s.bytes), fileAlignment))
	put([]byte("PE\x00\x00"), uint16(machineAMD64), uint16(1), uint32(0), uint32(0), uint32(0),
		uint16(optionalSize), uint16(executableLargeFix))
	put(uint16(0x20b), uint16(0), raw, uint32(0), uint32(0), uint32(sectionRVA), uint32(sectionRVA),
		uint64(imageBase), uint32(sectionRVA), uint32(fileAlignment),
		uint16(6), uint16(0), uint16(0), uint16(0), uint16(6), uint16(0), uint32(0),
		uint32(2*sectionRVA), uint32(headersSize), uint32(0), uint16(subsystemConsole), uint16(nxTerminalServer),
		uint64(1<<20), uint64(1<<12), uint64(1<<20), uint64(1<<12), uint32(0), uint32(16))
	var directories [32]uint32
	directories[2], directories[3] = s.importRVA, s.importSize
	directories[24], directories[25] = s.iatRVA, s.iatLen
	put(directories)
	put([]byte(".text\x00\x00\x00"), uint32(len(s.bytes)), uint32(sectionRVA), raw, uint32(headersSize),
		uint32(0), uint32(0), uint16(0), uint16(0), uint32(codeReadExecute))
}

func align(n, to int) int { return (n + to - 1) / to * to }
