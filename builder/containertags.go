package builder

import (
	"fmt"
	"strings"
)

// tags returns the tags that the project names, and warnings about them.
func (p properties) tags() (tags, warnings []string) {
	if strings.EqualFold(p.get("AutoGenerateImageTag"), "true") {
		warnings = append(warnings, "AutoGenerateImageTag is ignored, because a tag made of the time of the build is never the same twice. Name the tag with -t.")
	}
	name, single := "ContainerImageTags", p.get("ContainerImageTag")
	all := p.get(name)
	switch {
	case all == "":
		name, all = "ContainerImageTag", single
	case single != "":
		warnings = append(warnings, "The project sets both ContainerImageTags and ContainerImageTag; the latter is ignored.")
	}
	if all == "" {
		return nil, warnings
	}
	empty := false
	for t := range strings.SplitSeq(all, ";") {
		if t = strings.TrimSpace(t); t == "" {
			empty = true
			continue
		}
		tags = append(tags, t)
	}
	if empty {
		warnings = append(warnings, fmt.Sprintf("%s is %q: its empty elements are dropped. A version that is computed during the build is not known yet when the property is read; give the tags with -t.", name, all))
	}
	return tags, warnings
}
