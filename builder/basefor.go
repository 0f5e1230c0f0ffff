package builder

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
	"github.com/nanobuild/nanobuild/builder/winver"
)

// Frameworks of Microsoft's, as an X.runtimeconfig.json names them.
const (
	dotnetFramework  = "Microsoft.NETCore.App"
	desktopFramework = "Microsoft.WindowsDesktop.App"
)

// BaseFor returns the reference of the base to resolve for an application, where
// the user or the project named ref: "" for the default, a short name such as
// ltsc2022, or anything else. An application that brings its .NET along runs on
// ref itself, and so does every application where ref is no short name. For
// others a short name names a Windows alone, and what is returned is Microsoft's
// image of the application's .NET on it, such as
// mcr.microsoft.com/dotnet/aspnet:10.0-nanoserver-ltsc2022. BaseFor fails with an
// *InputError where there is no such image.
func BaseFor(app *dotnet.Result, ref string) (string, error) {
	on, short := shortName(ref)
	if !short || !needsDotnet(app.Runtime) {
		return cmp.Or(ref, base.Default), nil
	}
	if needsFramework(app.Runtime, desktopFramework) {
		return "", input("Publish it with its runtime (--self-contained), or name a base that has it with --base.",
			"%s needs %s, which is in none of Microsoft's images for running applications.", app.Name, desktopFramework)
	}
	image, ok := on.image(app.Runtime)
	if !ok {
		return "", input(on.remedy(app.Runtime), "Microsoft publishes no image with .NET %s on %s.", releaseName(app.Runtime), on)
	}
	return image, nil
}

// needsDotnet says whether the base has to hold .NET. Native programs, of which
// nothing is known, need none.
func needsDotnet(r dotnet.Runtime) bool {
	return !r.SelfContained && (len(r.Frameworks) > 0 || r.TFM != "")
}

func needsFramework(r dotnet.Runtime, name string) bool {
	for _, f := range r.Frameworks {
		if f.Name == name {
			return true
		}
	}
	return false
}

// onWindows is what a short name of a base names.
type onWindows struct {
	edition winver.Edition
	release winver.Release
}

// shortName reads what base.Expand writes out.
func shortName(ref string) (onWindows, bool) {
	full := base.Expand(ref)
	if ref != "" && full == ref {
		return onWindows{}, false
	}
	repository, tag, _ := strings.Cut(full, ":")
	edition := winver.Edition(repository[strings.LastIndexByte(repository, '/')+1:])
	release, ok := winver.Named(strings.TrimSuffix(tag, "-amd64"))
	return onWindows{edition, release}, ok
}

// short writes a short name again, in its shortest form.
func (w onWindows) short(release winver.Release) string {
	if w.edition == winver.ServerCore {
		return string(winver.ServerCore) + ":" + release.Name
	}
	return release.Name
}

func (w onWindows) String() string {
	name := "Nano Server"
	if w.edition == winver.ServerCore {
		name = "Server Core"
	}
	return name + " of " + w.release.Title
}

// image returns Microsoft's image of the .NET that r needs.
func (w onWindows) image(r dotnet.Runtime) (string, bool) {
	release, ok := winver.OfDotNet(r.Version())
	if !ok {
		return "", false
	}
	tag, ok := release.Tag(w.edition, w.release)
	if !ok {
		return "", false
	}
	repository := "runtime"
	if needsFramework(r, aspnetFramework) {
		repository = "aspnet"
	}
	return "mcr.microsoft.com/dotnet/" + repository + ":" + tag, true
}

// remedy names the bases that there are for the .NET that r needs.
func (w onWindows) remedy(r dotnet.Runtime) string {
	release, _ := winver.OfDotNet(r.Version())
	published := release.Windows()
	names := make([]string, 0, len(published))
	for _, on := range published {
		names = append(names, "--base "+w.short(on))
	}
	if len(names) == 0 {
		return "Publish it with its runtime (--self-contained), or name a base that has it with --base."
	}
	return fmt.Sprintf("There is one for %s; or publish it with its runtime (--self-contained), which runs on every Windows.", alternatives(names))
}

// alternatives joins what the user can choose from: "A, B or C".
func alternatives(list []string) string {
	last := len(list) - 1
	if last <= 0 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:last], ", ") + " or " + list[last]
}

// releaseName is the .NET that r needs, such as "10.0".
func releaseName(r dotnet.Runtime) string {
	if release, ok := winver.OfDotNet(r.Version()); ok {
		return release.Name
	}
	return r.Version()
}
