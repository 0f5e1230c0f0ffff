package dotnet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// bundleMarker stands in the program of every .NET app, eight bytes behind the
// offset of the bundle header; the offset is 0 where nothing is bundled. It is
// the SHA-256 of ".net core bundle":
// https://github.com/dotnet/runtime/blob/main/src/native/corehost/apphost/bundle_marker.cpp
var bundleMarker = []byte{
	0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
	0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
}

// largestHost is how far the marker is looked for, in bytes: it stands in the
// part of the program that all .NET apps share, which comes first.
const largestHost = 256 << 20

// readBundle tells what a program without a runtimeconfig.json runs on: that is
// inside a single-file app. For a program that is no .NET app the result is zero.
func readBundle(dir, name string) (runtime Runtime, err error) {
	file := filepath.Join(dir, filepath.FromSlash(name))
	f, err := openRegular(dir, filepath.FromSlash(name))
	if err != nil {
		return Runtime{}, fmt.Errorf("read the program: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	offset, err := bundleOffset(io.LimitReader(f, largestHost))
	if err != nil {
		return Runtime{}, fmt.Errorf("read the program %s: %w", file, err)
	}
	if offset == 0 {
		return Runtime{}, nil
	}
	runtime = Runtime{SingleFile: true}
	config, err := bundledConfig(f, offset)
	if err != nil {
		return Runtime{}, fmt.Errorf("read the bundle in %s: %w", file, err)
	}
	if config == nil {
		return runtime, nil
	}
	if runtime, err = parseRuntimeConfig(config); err != nil {
		return Runtime{}, fmt.Errorf("read the runtimeconfig.json in %s: %w", file, err)
	}
	runtime.SingleFile = true
	return runtime, nil
}

// bundleOffset finds the marker and returns the offset before it; 0 without one.
func bundleOffset(r io.Reader) (int64, error) {
	const step = 1 << 20
	overlap := len(bundleMarker) + 8
	buffer := make([]byte, 0, step+overlap)
	for {
		n, err := io.ReadFull(r, buffer[len(buffer):min(len(buffer)+step, cap(buffer))])
		buffer = buffer[:len(buffer)+n]
		if i := bytes.Index(buffer, bundleMarker); i >= 8 {
			return int64(binary.LittleEndian.Uint64(buffer[i-8 : i])), nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		keep := min(overlap, len(buffer))
		buffer = append(buffer[:0], buffer[len(buffer)-keep:]...)
	}
}

// bundledConfig reads the runtimeconfig.json of a bundle; nil where the header's
// version (before .NET 5) does not say where it is.
func bundledConfig(r io.ReaderAt, offset int64) ([]byte, error) {
	header := bufio.NewReader(io.NewSectionReader(r, offset, 1024))
	var version struct{ Major, Minor, Files uint32 }
	if err := binary.Read(header, binary.LittleEndian, &version); err != nil {
		return nil, err
	}
	if version.Major < 2 {
		return nil, nil
	}
	length, err := binary.ReadUvarint(header) // of the bundle's id, a .NET string
	if err != nil {
		return nil, err
	}
	if length > 512 {
		return nil, errors.New("its header is damaged")
	}
	if _, err := header.Discard(int(length)); err != nil {
		return nil, err
	}
	var place struct{ DepsOffset, DepsSize, ConfigOffset, ConfigSize int64 }
	if err := binary.Read(header, binary.LittleEndian, &place); err != nil {
		return nil, err
	}
	if place.ConfigSize < 0 || place.ConfigSize > largestConfig || place.ConfigOffset < 0 {
		return nil, errors.New("its header is damaged")
	}
	config := make([]byte, place.ConfigSize)
	if _, err := r.ReadAt(config, place.ConfigOffset); err != nil {
		return nil, err
	}
	return config, nil
}
