package publish

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// RepositoryName makes a repository name of an assembly name (or a
// ContainerRepository) as the .NET SDK 10 does: a valid name stays; else capitals
// become small letters, and every UTF-16 unit that is not a letter or digit of
// ASCII, _, - or / becomes a dash, dots too. What the SDK refuses, and what it
// makes of a name but no registry takes, is a [UsageError].
//
//	My.Api → my-api    my.api → my.api    FOO+XYZ → foo-xyz
//
// https://github.com/dotnet/sdk/blob/main/src/Containers/Microsoft.NET.Build.Containers/ContainerHelpers.cs
func RepositoryName(assembly string) (string, error) {
	if validRepositoryPath(assembly) {
		return assembly, nil
	}
	fail := func(reason, try string) (string, error) {
		if try != "" {
			try = fmt.Sprintf("ContainerRepository=%s or --repo with it", try)
		}
		return "", &UsageError{What: "repository name", Value: assembly, Reason: reason, Try: try}
	}
	if assembly == "" {
		return fail("is empty", "app")
	}
	if c := assembly[0]; !asciiLetter(c) && !asciiDigit(c) {
		return fail("it must begin with a letter a-z or a digit", correctedName(assembly))
	}
	made := dashed(assembly)
	if !validRepositoryPath(made) {
		return fail(fmt.Sprintf("it would become %q, which registries refuse", made), correctedName(assembly))
	}
	return made, nil
}

// dashed replaces what a repository name cannot have.
func dashed(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		switch {
		case u >= 'A' && u <= 'Z':
			b.WriteByte(byte(u) + 'a' - 'A')
		case u >= 'a' && u <= 'z' || u >= '0' && u <= '9' || u == '_' || u == '-' || u == '/':
			b.WriteByte(byte(u))
		default:
			b.WriteByte('-')
		}
	}
	return b.String()
}

func validRepositoryPath(s string) bool {
	if len(s) > maxRepository {
		return false
	}
	for _, part := range strings.Split(s, "/") {
		if !pathComponent.MatchString(part) {
			return false
		}
	}
	return true
}

// correctedName returns a valid path made of s, or "app" where nothing is left.
func correctedName(s string) string {
	var parts []string
	for _, part := range strings.Split(strings.ToLower(s), "/") {
		if part = correctedComponent(part); part != "" {
			parts = append(parts, part)
		}
	}
	if name := strings.Join(parts, "/"); name != "" && len(name) <= maxRepository {
		return name
	}
	return "app"
}

func asciiLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func asciiDigit(c byte) bool  { return c >= '0' && c <= '9' }
