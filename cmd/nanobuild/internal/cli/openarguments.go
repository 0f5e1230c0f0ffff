package cli

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shaping are the flags of publish that decide what the image is and where it goes. All
// others, such as where the key lies, are nobody's business who reads a provenance.
func shaping() []string {
	return []string{
		"repo", "tag", "into-index", "platform-tags", "push-foreign",
		"base", "os-version", "index", "env", "label", "annotation", "user", "workdir", "app-dir", "port", "entrypoint", "cmd", "writable",
		"created", "format", "compression", "layers", "configuration", "framework", "runtime", "self-contained", "property", "no-restore", "locked",
	}
}

// openArguments are the arguments of a run as anybody may read them: those of the command
// line and those that variables stand for, each flag spelt the same way, without secrets
// and without the folders of this machine.
func (a *app) openArguments(cmd *cobra.Command, projects, dotnet []string) []string {
	all := make([]string, 0, 1+len(projects)+len(dotnet))
	all = append(all, cmd.Name())
	for _, p := range projects {
		all = append(all, openPath(p))
	}
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed || !slices.Contains(shaping(), f.Name) {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			all = append(all, "--"+f.Name+"="+a.openFlag(f.Name, v))
		}
	})
	if len(dotnet) > 0 {
		all = append(all, "--")
	}
	before := ""
	for _, arg := range dotnet {
		shown := a.openValue(arg)
		if strings.HasPrefix(before, "-") && !strings.Contains(before, "=") && secretName(before) {
			shown = hidden // --api-key VALUE
		}
		all, before = append(all, shown), arg
	}
	return all
}

// hidden stands for a value that only its name may be told of.
const hidden = "***"

func (a *app) openFlag(name, v string) string {
	switch name {
	case "env": // the values are in the image, whose digest the statement is about
		key, _, _ := strings.Cut(v, "=")
		return key + "=" + hidden
	case "base":
		for _, place := range []string{"oci:", "tar:"} {
			if file, ok := strings.CutPrefix(v, place); ok {
				return place + openPath(file)
			}
		}
	}
	return a.openValue(v)
}

// openPath is a path as others may read it: relative ones as they are, of others the last
// name.
func openPath(p string) string {
	slashes := strings.ReplaceAll(p, `\`, "/")
	if path.IsAbs(slashes) || strings.HasPrefix(slashes, "..") || len(slashes) > 1 && slashes[1] == ':' {
		return path.Base(slashes)
	}
	return slashes
}

// secretShape finds what is secret by its looks: tokens of GitHub, keys of AWS, JSON Web
// Tokens, keys in PEM, and what follows the word Bearer or Basic.
var secretShape = regexp.MustCompile(`\bgh[opsur]_[A-Za-z0-9]{10,}|\bgithub_pat_\w{10,}|\bAKIA[0-9A-Z]{12,}|\beyJ[\w-]+\.[\w-]+|-----BEGIN |(?i:\b(bearer|basic)\s+\S)`)

// openValue hides what is secret in a value: the user in an address, what this run knows
// to be secret or what looks like it, and the whole value of NAME=VALUE where the name,
// or one inside of the value, says so.
func (a *app) openValue(v string) string {
	if u, err := url.Parse(v); err == nil && u.User != nil {
		u.User = nil
		v = u.String()
	}
	name, value, named := strings.Cut(v, "=")
	if secretShape.MatchString(v) || named && (secretName(name) || holdsSecret(value)) {
		if named && !secretShape.MatchString(name) {
			return name + "=" + hidden
		}
		return hidden
	}
	return a.log.secrets.Redact(v)
}

// holdsSecret says whether a value is a list such as a connection string, with a name in
// it that says it is secret.
func holdsSecret(value string) bool {
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune(";&, \t", r) }) {
		if name, _, ok := strings.Cut(part, "="); ok && secretName(name) {
			return true
		}
	}
	return false
}

// secretWords are the words in the name of what is secret.
func secretWords() []string {
	return []string{
		"password", "passwd", "passphrase", "pass", "pwd", "pw", "secret", "secrets", "token", "tokens", "key", "keys", "apikey", "accesskey", "accountkey",
		"pat", "auth", "authorization", "credential", "credentials", "connection", "connectionstring", "connectionstrings", "signature", "sas", "sig", "bearer", "cookie",
	}
}

// secretName says whether a name has one of them, as in DB_PW, ApiKey or --nuget-token.
func secretName(name string) bool {
	return slices.ContainsFunc(wordsOf(name), func(word string) bool { return slices.Contains(secretWords(), word) })
}

// wordsOf splits a name at what is no letter, and where a capital begins a word.
func wordsOf(name string) []string {
	var words []string
	word := make([]rune, 0, len(name))
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			end()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			end()
		}
		word = append(word, r)
	}
	end()
	return words
}
