package layers

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// maxRefusals bounds how many bad names one error lists.
const maxRefusals = 20

// spelling knows every path of an image by its folded form, and so finds the
// names that Windows takes for one.
type spelling struct {
	target  string // folder of the application; messages name what is in it as people know it
	known   map[string]spelled
	refused []error
}

type spelled struct {
	path string
	dir  bool
}

func newSpelling(target string) *spelling {
	return &spelling{target: target, known: map[string]spelled{}}
}

// add notes a path below C:. Its folder must have been added before.
func (s *spelling) add(p string, dir bool) {
	check := CheckName
	if dir {
		check = CheckDirName
	}
	if err := check(p); err != nil {
		s.refuse(err)
		return
	}
	key := Fold(p)
	old, ok := s.known[key]
	switch {
	case !ok:
		s.known[key] = spelled{p, dir}
	case old.path != p:
		s.refuse(&NameError{Path: p, Reason: fmt.Sprintf("Windows takes it for the same name as %s", s.shown(old.path)), Remedy: "rename one of them"})
	case old.dir != dir:
		s.refuse(&NameError{Path: p, Reason: "a file and a folder have the same name", Remedy: "rename one of them"})
	}
}

// addDir adds a folder and the folders around it, which may be there already.
func (s *spelling) addDir(p string) {
	for i, c := range p {
		if c == '/' {
			s.add(p[:i], true)
		}
	}
	s.add(p, true)
}

// wanted adds folders by name, and returns them as the tree spells them: C:\App
// and C:\app are one folder.
func (s *spelling) wanted(dirs []string) []string {
	out := make([]string, 0, len(dirs))
	for _, dir := range dirs {
		at := ""
		for part := range strings.SplitSeq(dir, "/") {
			at = path.Join(at, part)
			if old, ok := s.known[Fold(at)]; ok {
				at = old.path
			}
			s.add(at, true)
		}
		out = append(out, at)
	}
	return out
}

// shown returns a path below C: as it is in the folder that people gave.
func (s *spelling) shown(p string) string {
	if rel, ok := strings.CutPrefix(p, s.target+"/"); ok {
		return rel
	}
	return p
}

func (s *spelling) refuse(err error) {
	if name := (*NameError)(nil); errors.As(err, &name) {
		name.Path = s.shown(name.Path)
	}
	if len(s.refused) < maxRefusals {
		s.refused = append(s.refused, err)
	}
}

func (s *spelling) err() error { return errors.Join(s.refused...) }
