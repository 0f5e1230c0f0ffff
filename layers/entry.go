// Package layers turns publish folders into Windows container layers: it plans
// the entries of a folder, splits them by origin, and writes each group as a
// tar of the shape that Windows' layer importer accepts (Hives, Files, and PAX
// records with file attributes, times and security descriptors).
package layers

import (
	"crypto/sha256"
	"io"
	"time"
)

// Origin says who supplied a file, and so in which layer it travels.
type Origin string

// The origins, from the base image up.
const (
	Runtime  Origin = "runtime"  // the .NET runtime pack
	Aspnet   Origin = "aspnet"   // the ASP.NET Core runtime pack
	Desktop  Origin = "desktop"  // the Windows Desktop runtime pack
	Packages Origin = "packages" // NuGet packages
	Project  Origin = "project"  // referenced projects
	Assets   Origin = "assets"   // static web assets: wwwroot/**
	App      Origin = "app"      // the application itself, and everything else
)

// Origins returns all origins in the order of their layers, from the base up.
func Origins() []Origin {
	return []Origin{Runtime, Aspnet, Desktop, Packages, Project, Assets, App}
}

// Entry is one file or folder of a layer.
type Entry struct {
	Path     string            // slash-separated, relative to C:\, such as "app/App.exe"
	Dir      bool              // a folder; it has no content, Size and Open are unused
	Origin   Origin            // the layer it belongs to
	Size     int64             // bytes
	SHA256   [sha256.Size]byte // of the content as it is packed; zero where Time does not depend on it
	Time     time.Time         // whole seconds, see Clock.FileTime
	Writable bool              // users of the container may modify it
	// Open returns the content. Reading other bytes than Size and SHA256, where
	// there is one, say is an error of the build ("changed while it was packed").
	Open func() (io.ReadCloser, error)
}

// Group is the content of one layer.
type Group struct {
	Origin  Origin
	Entries []Entry

	workers *workers // shared by the groups of a plan; nil: the layer has its own
}
