package layers

// The security descriptors of a layer, self-relative and base64-encoded, as
// the PAX record MSWINDOWS.rawsd wants them. All are owned by
// BUILTIN\Administrators with group SYSTEM and carry an explicit DACL: without
// one Windows lets everybody overwrite the files.
//
// The first two are those that BuildKit gives to folders and files, so layers
// made here behave like images built by BuildKit for Windows:
// https://github.com/moby/buildkit/blob/master/util/winlayers/differ.go
//
// The SDDL in front of each is what the bytes decode to:
// https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format
const (
	// DirSD is the descriptor of a folder. Users may read, run, and add files
	// and folders, which they then own; they may not change what was shipped.
	//
	//	O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;CI;DC;;;BU)
	DirSD = "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgCoAAcAAAAAAxgA/wEfAAECAAAAAAAFIAAAACACAAAAAxQA/wEfAAEBAAAAAAAFEgAAAAAAGAD/AR8AAQIAAAAAAAUgAAAAIAIAAAALFAAAAAAQAQEAAAAAAAMAAAAAAAMYAKkAEgABAgAAAAAABSAAAAAhAgAAAAIYAAQAAAABAgAAAAAABSAAAAAhAgAAAAIYAAIAAAABAgAAAAAABSAAAAAhAgAA"

	// FileSD is the descriptor of a file. Users may read and run it.
	//
	//	O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)
	FileSD = "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgBMAAMAAAAAABgA/wEfAAECAAAAAAAFIAAAACACAAAAABQA/wEfAAEBAAAAAAAFEgAAAAAAGACpABIAAQIAAAAAAAUgAAAAIQIAAA=="

	// WritableDirSD is the descriptor of a writable folder: users may modify
	// and delete what is in it.
	//
	//	O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1301bf;;;BU)
	WritableDirSD = "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgBMAAMAAAAAAxgA/wEfAAECAAAAAAAFIAAAACACAAAAAxQA/wEfAAEBAAAAAAAFEgAAAAADGAC/ARMAAQIAAAAAAAUgAAAAIQIAAA=="

	// WritableFileSD is the descriptor of a file in a writable folder.
	//
	//	O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1301bf;;;BU)
	WritableFileSD = "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgBMAAMAAAAAABgA/wEfAAECAAAAAAAFIAAAACACAAAAABQA/wEfAAEBAAAAAAAFEgAAAAAAGAC/ARMAAQIAAAAAAAUgAAAAIQIAAA=="
)

// Descriptor is the security descriptor of an entry, base64-encoded.
func Descriptor(dir, writable bool) string {
	switch {
	case dir && writable:
		return WritableDirSD
	case dir:
		return DirSD
	case writable:
		return WritableFileSD
	}
	return FileSD
}
