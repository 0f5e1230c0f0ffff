package builder

import (
	"net/url"
	"strings"

	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/builder/dotnet"
)

// oci begins the names of the annotations that the image specification
// defines: https://github.com/opencontainers/image-spec/blob/main/annotations.md.
const oci = "org.opencontainers.image."

// baseIndex is the label that holds the digest of the manifest list from which
// the base was picked.
const baseIndex = "dev.nanobuild.base.index"

// Generate says which labels are written without being asked for one by one.
type Generate struct {
	Created, Description, Authors, URL, Documentation, Source, Version bool
	Revision, Vendor, Licenses, Title, BaseDigest, BaseName            bool
}

// readGenerate reads ContainerGenerateLabels and the switches of the labels.
func readGenerate(p properties) Generate {
	const name = "ContainerGenerateLabels"
	if !p.enabled(name) {
		return Generate{}
	}
	on := func(label string) bool { return p.enabled(name + "Image" + label) }
	return Generate{
		Created: on("Created"), Description: on("Description"), Authors: on("Authors"), URL: on("Url"),
		Documentation: on("Documentation"), Source: on("Source"), Version: on("Version"), Revision: on("Revision"),
		Vendor: on("Vendor"), Licenses: on("Licenses"), Title: on("Title"), BaseDigest: on("BaseDigest"), BaseName: on("BaseName"),
	}
}

// readAbout returns the labels about the application that the project sets.
// What the SDK makes up when the project is silent is not taken: it names the
// assembly as its own author, and its description "Package Description".
func readAbout(app *dotnet.Result, p properties) []Var {
	g := readGenerate(p)
	or := func(names ...string) string {
		for _, n := range names {
			if v := p.get(n); v != "" {
				return v
			}
		}
		return ""
	}
	description := or("ContainerDescription", "Description")
	if description == "Package Description" {
		description = ""
	}
	authors := or("ContainerAuthors", "Authors")
	if p.get("ContainerAuthors") == "" && (authors == app.Name || authors == p.get("AssemblyName")) {
		authors = ""
	}
	title := or("ContainerTitle", "Title")
	if title == "" {
		title = app.Name
	}
	var out []Var
	for _, l := range []struct {
		on          bool
		name, value string
	}{
		{g.Description, "description", description},
		{g.Authors, "authors", authors},
		{g.URL, "url", or("ContainerInformationUrl", "PackageProjectUrl")},
		{g.Documentation, "documentation", or("ContainerDocumentationUrl", "PackageProjectUrl")},
		{g.Version, "version", or("ContainerVersion", "PackageVersion", "Version")},
		{g.Vendor, "vendor", p.get("ContainerVendor")},
		{g.Licenses, "licenses", or("ContainerLicenseExpression", "PackageLicenseExpression")},
		{g.Title, "title", title},
	} {
		if l.on && l.value != "" {
			out = append(out, Var{oci + l.name, l.value})
		}
	}
	return out
}

// sourceLabels returns the labels about when and from which commit the image
// is made.
func sourceLabels(g Generate, src Source, created string) []Var {
	var out []Var
	if g.Created {
		out = append(out, Var{oci + "created", created})
	}
	if g.Revision && src.Commit != "" {
		revision := src.Commit
		if src.Dirty {
			revision += "-dirty"
		}
		out = append(out, Var{oci + "revision", revision})
	}
	if address := sourceURL(src.Remote); g.Source && address != "" {
		out = append(out, Var{oci + "source", address})
	}
	return out
}

// sourceURL returns the address of a repository as a browser takes it: https
// in place of ssh, no credentials, no ".git". It is "" for what is no address on
// a network, such as a folder.
func sourceURL(remote string) string {
	if !strings.Contains(remote, "://") {
		// The form user@host:path of git, see "git help urls".
		host, p, ok := strings.Cut(remote, ":")
		if _, h, at := strings.Cut(host, "@"); at {
			host = h
		}
		if !ok || len(host) < 2 || strings.ContainsAny(host, `/\`) || strings.HasPrefix(p, "/") || strings.HasPrefix(p, `\`) {
			return ""
		}
		remote = "https://" + host + "/" + p
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
	case "ssh", "git", "git+ssh":
		u.Scheme, u.Host = "https", u.Hostname()
	default:
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	u.Host, u.Path = azureRepos(u.Host, u.Path)
	return strings.TrimSuffix(strings.TrimSuffix(u.String(), "/"), ".git")
}

// azureRepos returns where a browser finds a repository of Azure DevOps, whose
// address for ssh is another one:
// https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate.
func azureRepos(host, p string) (string, string) {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	if len(parts) != 4 || parts[0] != "v3" {
		return host, p
	}
	organisation, repository := parts[1], parts[2]+"/_git/"+parts[3]
	switch strings.ToLower(host) {
	case "ssh.dev.azure.com":
		return "dev.azure.com", "/" + organisation + "/" + repository
	case "vs-ssh.visualstudio.com":
		return organisation + ".visualstudio.com", "/" + repository
	}
	return host, p
}

// baseLabels returns the labels about the base.
func baseLabels(g Generate, b *base.Base) []Var {
	var out []Var
	// A path of the machine that built the image tells nobody else where the base is.
	if g.BaseName && b.Name != "" && !b.Local() {
		out = append(out, Var{oci + "base.name", b.Name})
	}
	if g.BaseDigest {
		out = append(out, Var{oci + "base.digest", b.Digest.String()})
		if b.Index != nil {
			out = append(out, Var{baseIndex, b.Index.String()})
		}
	}
	return out
}

// baseAnnotations returns what of the labels about the base are annotations of
// the manifest too.
func baseAnnotations(labels []Var) []Var {
	var out []Var
	for _, l := range labels {
		if l.Name != baseIndex {
			out = append(out, l)
		}
	}
	return out
}
