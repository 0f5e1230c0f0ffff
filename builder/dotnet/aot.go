package dotnet

import (
	"bufio"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// A directive of a file-based app, such as #:property PublishAot=true:
// https://learn.microsoft.com/dotnet/core/sdk/file-based-apps
var aotDirective = regexp.MustCompile(`(?i)^#:\s*property\s+PublishAot\s*=`)

// withoutAOT turns native compilation off for a file-based app that does not ask
// for it: it is their default, and works for Windows on Windows only.
func (p *plan) withoutAOT() error {
	if _, ok := lookup(p.properties, "PublishAot"); ok {
		return nil
	}
	asked, err := hasLine(p.target.File, aotDirective)
	if err != nil || asked {
		return err
	}
	p.implied = append(p.implied, "PublishAot=false")
	p.notices = append(p.notices, fmt.Sprintf(
		"%s is published without native compilation (-p PublishAot=false), which is the default of file-based apps but works for Windows on Windows only",
		p.name()))
	return nil
}

func hasLine(file string, pattern *regexp.Regexp) (found bool, err error) {
	f, err := openRegular(filepath.Dir(file), filepath.Base(file))
	if err != nil {
		return false, fmt.Errorf("read the directives of the file-based app: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = closeErr
		}
	}()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		if pattern.MatchString(strings.TrimSpace(lines.Text())) {
			return true, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("read the directives of the file-based app: %w", err)
	}
	return false, nil
}
