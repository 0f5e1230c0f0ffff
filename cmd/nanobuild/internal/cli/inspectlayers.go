package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
)

func writeLayers(w io.Writer, layers []flow.LayerInspection) {
	fmt.Fprintf(w, "\nLAYER\tSIZE\tFILES\tLINT\tIMPORT\tDIGEST\n")
	var total int64
	for _, l := range layers {
		total += l.Size
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Origin, flow.BytesText(l.Size), count(l.Files), orDash(l.Verdict), orDash(l.Importer), l.Digest)
	}
	fmt.Fprintf(w, "total\t%s\n", flow.BytesText(total))
}

// Bounds of what is shown: JSON has all.
const (
	mostCopies   = 10 // contents
	mostPaths    = 4  // of one content
	mostFindings = 5  // of a layer of another tool
)

// writeDuplicates tells of bytes that the image holds more than once.
func writeDuplicates(w io.Writer, d *flow.Duplicates) {
	if d == nil {
		return
	}
	if len(d.Files) > 0 {
		fmt.Fprintf(w, "\nduplicate bytes: %s in files that are there more than once\n", flow.BytesText(d.Bytes))
	}
	for _, f := range d.Files[:min(len(d.Files), mostCopies)] {
		paths := make([]string, 0, mostPaths)
		for _, at := range f.At[:min(len(f.At), mostPaths)] {
			paths = append(paths, foreign(at.Path)+" ("+at.Origin+")")
		}
		if more := len(f.At) - len(paths); more > 0 {
			paths = append(paths, fmt.Sprintf("and %d more", more))
		}
		fmt.Fprintf(w, "  %s: %s\n", flow.BytesText(f.Size), strings.Join(paths, ", "))
	}
	if more := len(d.Files) - mostCopies; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	for _, l := range d.Layers {
		fmt.Fprintf(w, "layer %s of %s is there %d times\n", l.Digest, flow.BytesText(l.Size), l.Times)
	}
}

// writeFindings tells what is wrong. In layers of other tools it is what Windows
// would say: that they have another format than ours is no news.
func writeFindings(w io.Writer, i *flow.Inspection) {
	for _, l := range i.Layers {
		findings := l.Findings
		if l.Origin == flow.OtherOrigin {
			findings = l.ImporterFindings
		}
		for n, f := range findings {
			if n == mostFindings && l.Origin == flow.OtherOrigin {
				fmt.Fprintf(w, "%s layer: and %d more\n", l.Origin, len(findings)-n)
				break
			}
			fmt.Fprintf(w, "%s layer: %s\n", l.Origin, f)
		}
	}
	for _, f := range i.Findings {
		fmt.Fprintf(w, "image: %s\n", f)
	}
}

// ageText compares the image's base with the newest one; "" where nothing is known.
func ageText(a *flow.AgeOfBase) string {
	if a == nil || a.Problem != "" {
		return ""
	}
	switch a.State {
	case flow.BaseCurrent:
		return "up to date with " + a.Reference
	case flow.BaseBehind:
		behind := ""
		if a.Behind > 0 {
			behind = fmt.Sprintf("%d %s behind: ", a.Behind, plural(a.Behind, "update"))
		}
		return behind + a.Reference + " has " + a.Version
	case flow.BaseAhead:
		return "newer than " + a.Reference + ", which has " + a.Version
	case flow.BaseRebuilt:
		return a.Reference + " has the same Windows, but is another image now"
	}
	return a.Reference + " has " + orDash(a.Version)
}

// foreign is a text from an image, quoted where it would forge another line.
func foreign(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
