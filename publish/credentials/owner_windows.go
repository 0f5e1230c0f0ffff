package credentials

import "io/fs"

// keepOwner does nothing: a new file inherits the access of its folder.
func keepOwner(string, fs.FileInfo) {}
