package publish

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// naming says what a tag is to name.
type naming struct {
	tag    string
	suffix string // the end of the tag that makes it a child's; "" for the tags that were asked for
	doc    *document
}

// full is the whole tag.
func (n naming) full() string { return suffixed(n.tag, n.suffix) }

func suffixed(tag, suffix string) string {
	if suffix == "" {
		return tag
	}
	return tag + "-" + suffix
}

// namings returns what the tags are to name: all of them the document, after the
// tags of its images, since it is the document that people follow.
func (d *document) namings(tags []string) []naming {
	all := make([]naming, 0, len(tags)*(1+len(d.parts)))
	for _, tag := range tags {
		all = append(all, platformNamings(d.parts, tag)...)
		all = append(all, naming{tag: tag, doc: d})
	}
	return all
}

func platformNamings(parts []*document, tag string) []naming {
	var all []naming
	for _, part := range parts {
		if part.suffix != "" {
			all = append(all, naming{tag: tag, suffix: part.suffix, doc: part})
		}
	}
	return all
}

// checkNames refuses, with a [UsageError], tags of images that no registry takes, or
// that would name two things.
func (c Content) checkNames(tags []string) error {
	if len(c.children) == 0 {
		return nil
	}
	parts, err := c.parts()
	if err != nil {
		return err
	}
	named := map[string]v1.Hash{}
	for _, tag := range tags {
		named[tag] = v1.Hash{}
	}
	for _, tag := range tags {
		for _, n := range platformNamings(parts, tag) {
			full := n.full()
			if err := ParseTag(full); err != nil {
				return err
			}
			if other, ok := named[full]; ok && other != n.doc.digest {
				return &UsageError{What: "tag", Value: full, Reason: fmt.Sprintf("it would name two images: the one for %s and another", n.suffix), Try: "another tag, or no tags of their own for the images of the index"}
			}
			named[full] = n.doc.digest
		}
	}
	return nil
}
