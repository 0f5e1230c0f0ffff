package flow

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/google/go-containerregistry/pkg/name"
)

// rebaseTarget is an image that is to be rebased.
type rebaseTarget struct {
	text   string // as it was given
	ref    name.Reference
	listed bool // it was found in a catalog
}

// tags are those that the result gets.
func (t rebaseTarget) tags(o RebaseOptions) []string {
	if len(o.Tags) > 0 {
		return o.Tags
	}
	return []string{t.ref.Identifier()}
}

// targets reads the references, each image once.
func (o RebaseOptions) targets() ([]rebaseTarget, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	var all []rebaseTarget
	for _, text := range o.Images {
		if strings.HasPrefix(text, "oci:") || strings.HasPrefix(text, "tar:") {
			return nil, fmt.Errorf("%s is a file of this machine, and rebase is for images in registries; push it first with nanobuild push %[1]s --repo REGISTRY/REPOSITORY", text)
		}
		ref, err := name.ParseReference(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no image in a registry: %w; write REGISTRY/REPOSITORY:TAG without https://", text, err)
		}
		if _, ok := ref.(name.Digest); ok && len(o.Tags) == 0 {
			return nil, fmt.Errorf("%s is named by its digest, so no tag would lead to the result; name one with -t", text)
		}
		all = append(all, rebaseTarget{text: text, ref: ref})
	}
	return all, nil
}

// share returns each image once, and of those only the ones of this run's part.
func (r *rebaseRun) share(all []rebaseTarget) ([]rebaseTarget, error) {
	part, err := parseShard(r.Shard)
	if err != nil {
		return nil, err
	}
	seen, tagged := map[string]bool{}, map[string]rebaseTarget{}
	var mine []rebaseTarget
	for _, t := range all {
		key := t.ref.Name()
		repo := t.ref.Context().Name()
		if seen[key] || !part.has(repo) {
			continue
		}
		seen[key] = true
		if other, ok := tagged[repo]; ok && len(r.Tags) > 0 {
			return nil, fmt.Errorf("%s and %s would both become %s:%s; rebase them in two runs", other.text, t.text, repo, r.Tags[0])
		}
		tagged[repo] = t
		mine = append(mine, t)
	}
	return mine, nil
}

// shard is one of several parts of all repositories.
type shard struct{ part, of uint32 }

// parseShard reads "I/N"; "" is all.
func parseShard(s string) (shard, error) {
	if s == "" {
		return shard{0, 1}, nil
	}
	i, n, _ := strings.Cut(s, "/")
	part, errPart := strconv.ParseUint(i, 10, 16)
	of, errOf := strconv.ParseUint(n, 10, 16)
	if errPart != nil || errOf != nil || part >= of {
		return shard{}, fmt.Errorf("--shard %q is no part: give I/N with I from 0 to N-1, such as 0/4 for the first of four", s)
	}
	return shard{uint32(part), uint32(of)}, nil
}

// has tells whether a repository is in the part. It is the same part each time.
func (s shard) has(repo string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(repo)) // which never fails
	return h.Sum32()%s.of == s.part
}

// Bounds on a list of images.
const (
	maxListBytes = 16 << 20
	maxListLine  = 4 << 10
)

// ReadImageList reads one reference per line. Blank lines and what follows a # at the
// start of a word do not count. Windows writes such lists with a byte order mark, or in
// UTF-16. It fails for lists of more than 16 MiB and for lines that hold several words.
func ReadImageList(r io.Reader) ([]string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxListBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxListBytes {
		return nil, fmt.Errorf("it has more than %d MiB", maxListBytes>>20)
	}
	var all []string
	lines := bufio.NewScanner(bytes.NewReader(decode(raw)))
	lines.Buffer(nil, maxListLine)
	for n := 1; lines.Scan(); n++ {
		var words []string
		for word := range strings.FieldsSeq(lines.Text()) {
			if word[0] == '#' {
				break
			}
			words = append(words, word)
		}
		if len(words) > 1 {
			return nil, fmt.Errorf("line %d holds %q behind the reference; write one reference per line", n, words[1])
		}
		all = append(all, words...)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("a line has more than %d bytes; write one reference per line", maxListLine)
	}
	return all, lines.Err()
}

// decode returns the text without its byte order mark, as UTF-8.
func decode(raw []byte) []byte {
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}): // what PowerShell 5 writes
		units := make([]uint16, 0, len(raw)/2)
		for i := 2; i+1 < len(raw); i += 2 {
			units = append(units, uint16(raw[i])|uint16(raw[i+1])<<8)
		}
		return []byte(string(utf16.Decode(units)))
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return raw[3:]
	}
	return raw
}
