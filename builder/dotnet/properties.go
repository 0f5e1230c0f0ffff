package dotnet

import (
	"regexp"
	"strings"
)

// property is one MSBuild property that the user gave.
type property struct {
	name  string
	value string // escaped for a command line
}

var propertyName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// parseProperties reads the user's properties; it refuses what is no name=value.
func parseProperties(list []string) ([]property, error) {
	properties := make([]property, 0, len(list))
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if name = strings.TrimSpace(name); !ok || !propertyName.MatchString(name) {
			return nil, refuse("write -p NAME=VALUE, such as -p Version=1.2.3", "-p %q is no property", text)
		}
		properties = append(properties, property{name, escapeValue(value)})
	}
	return properties, nil
}

// escapeValue writes a property's value so that MSBuild takes all of it as one
// value: it would end at a semicolon or comma (error MSB1006). Escapes that the
// user wrote (%3B) are kept.
func escapeValue(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == ';':
			b.WriteString("%3B")
		case c == ',':
			b.WriteString("%2C")
		case c == '"':
			b.WriteString("%22")
		case c == '%' && !isEscape(value[i:]):
			b.WriteString("%25")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isEscape(s string) bool { return len(s) >= 3 && isHex(s[1]) && isHex(s[2]) }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// escapePath is escapeValue for a value that is ours, where a % is a %.
func escapePath(path string) string {
	return escapeValue(strings.ReplaceAll(path, "%", "%25"))
}

// lookup returns the value of a property that the user gave; the last one wins,
// and names are compared without case, as MSBuild does.
func lookup(properties []property, name string) (string, bool) {
	for i := len(properties) - 1; i >= 0; i-- {
		if strings.EqualFold(properties[i].name, name) {
			return properties[i].value, true
		}
	}
	return "", false
}

// ownProperties are set by this package alone: they keep a publish from going
// anywhere but into our folder.
var ownProperties = []string{
	"PublishDir", "PublishUrl", "EnableSdkContainerSupport", "WebPublishMethod",
	"CustomAfterMicrosoftCommonTargets", "CustomAfterMicrosoftCommonCrossTargetingTargets",
}

func isOwnProperty(name string) bool {
	for _, own := range ownProperties {
		if strings.EqualFold(name, own) {
			return true
		}
	}
	return false
}
