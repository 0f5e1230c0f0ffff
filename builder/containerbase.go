package builder

import (
	"regexp"
	"strings"
)

// familyForm is the form of the Windows values of ContainerFamily, after the
// tags of https://github.com/dotnet/dotnet-docker such as
// "8.0-windowsservercore-ltsc2022".
var familyForm = regexp.MustCompile(`^(nanoserver|windowsservercore|servercore)(?:-(1809|ltsc20[0-9]{2}))?$`)

// base returns the Windows base that the project names, "" if it names none,
// and warnings about what it names instead. ContainerFamily gives a short name,
// since it means the application's .NET on that Windows where the base has to
// hold it.
func (p properties) base() (ref string, warnings []string) {
	image, family := p.get("ContainerBaseImage"), strings.ToLower(p.get("ContainerFamily"))
	if image != "" {
		if isLinuxImage(image) {
			return "", []string{"ContainerBaseImage " + quote(image) + " is ignored, because it is a Linux image. Name a Windows base with --base."}
		}
		return image, nil
	}
	if family == "" {
		return "", nil
	}
	m := familyForm.FindStringSubmatch(family)
	if m == nil {
		return "", []string{"ContainerFamily " + quote(family) + " is ignored, because it names no Windows image. Name a Windows base with --base."}
	}
	name, version := m[1], m[2]
	if name == "windowsservercore" {
		name = "servercore"
	}
	switch version {
	case "":
		version = "ltsc2022"
	case "1809":
		version = "ltsc2019"
	}
	return name + ":" + version, nil
}

// isLinuxImage reports whether an image is known by its name to be one of
// Linux. Microsoft's .NET images are, unless their tag names a Windows; other
// images tell by the distribution in their name or tag. What remains is looked
// at when the base is resolved.
func isLinuxImage(ref string) bool {
	s := strings.ToLower(ref)
	for _, w := range []string{"windows", "nanoserver", "servercore", "ltsc20", "-1809", ":1809"} {
		if strings.Contains(s, w) {
			return false
		}
	}
	if rest, ok := strings.CutPrefix(s, "mcr.microsoft.com/dotnet/"); ok {
		return !strings.HasPrefix(rest, "framework/")
	}
	words := strings.FieldsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	for _, w := range words {
		switch strings.TrimRight(w, "0123456789") {
		case "alpine", "debian", "ubuntu", "noble", "jammy", "focal", "resolute", "bookworm", "bullseye", "trixie", "buster",
			"chiseled", "distroless", "azurelinux", "mariner", "cbl", "ubi", "rhel", "fedora", "wolfi", "musl", "linux":
			return true
		}
	}
	return strings.Contains(s, "runtime-deps")
}
