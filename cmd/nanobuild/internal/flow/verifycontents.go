//go:build !nosign

package flow

import (
	"context"
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/builder/winver"
)

// contents makes the checks for which the layers on the base are read.
func (r *verifyRun) contents(ctx context.Context, one *looked) error {
	if !r.Asked.Lint && !r.Asked.Supported {
		return nil
	}
	on, doubt, err := r.groundOf(ctx, one)
	if err != nil {
		return at(StageBase, err)
	}
	found, err := examine(one.image, one.config, on, r.Deps)
	if err != nil {
		return err
	}
	if r.Asked.Supported {
		verdict, detail := supported(found, doubt)
		r.add(one.manifest, Check{Name: CheckSupported, Verdict: verdict, Detail: detail})
	}
	if r.Asked.Lint {
		verdict, detail := sound(found, doubt)
		r.add(one.manifest, Check{Name: CheckLint, Verdict: verdict, Detail: detail})
	}
	return nil
}

// unread counts the layers of which nobody knows what is in them: foreign ones on the
// base, and those that are taken for the base's where there is a doubt about it.
func unread(i *Inspection, doubt string) (foreign, doubtful int) {
	for _, l := range i.Layers {
		switch {
		case l.Verdict != "":
		case l.Origin != BaseOrigin:
			foreign++
		case doubt != "":
			doubtful++
		}
	}
	return foreign, doubtful
}

// supported tells whether Microsoft still supports what an image is made of. What cannot
// be told does not pass: in a layer that was not read there may be .NET. doubt is why the
// base of the image is not known; "" where it is.
func supported(i *Inspection, doubt string) (Verdict, string) {
	var good, bad []string
	tell := func(ok bool, text string) {
		if ok {
			good = append(good, text)
		} else {
			bad = append(bad, text)
		}
	}
	switch w := i.Windows; {
	case w == nil:
		tell(false, "it holds no Windows")
	case w.Problem != "":
		tell(false, "its Windows cannot be told: "+w.Problem)
	case w.Support == nil:
		tell(false, "Windows "+orNoVersion(i.Platform.OSVersion)+" is no release of Windows Server that this nanobuild knows")
	default:
		tell(w.Support.Phase != winver.Ended, w.Title+" "+endText(w.Support))
	}
	switch n := i.DotNet; {
	case n == nil:
		foreign, doubtful := unread(i, doubt)
		tell(foreign+doubtful == 0, "no .NET found"+unreadText(foreign+doubtful, doubt))
	case n.Problem != "":
		tell(false, "its .NET cannot be told: "+n.Source+": "+n.Problem)
	case n.Support == nil:
		tell(false, ".NET "+n.Version+" is no release that this nanobuild knows")
	default:
		tell(n.Support.Phase != winver.Ended, ".NET "+n.Version+" "+endText(n.Support))
	}
	if len(bad) > 0 {
		return Failed, strings.Join(bad, "; ")
	}
	return Passed, strings.Join(good, "; ")
}

func unreadText(layers int, doubt string) string {
	switch {
	case layers == 0:
		return ""
	case doubt == "":
		return ", and " + countText(layers, "foreign layer") + " not read"
	}
	return ", and " + countText(layers, "layer") + " not read: " + doubt
}

func endText(s *SupportOfImage) string {
	if s.Phase == winver.Ended {
		return "is out of support since " + s.End
	}
	return "is supported until " + s.End
}

// sound tells whether Windows takes the layers on the base: those of nanobuild must have
// its format, and those of other tools what Windows' importer demands. doubt is why the
// base of the image is not known; "" where it is.
func sound(i *Inspection, doubt string) (Verdict, string) {
	var faults []string
	ours, others, remarks := 0, 0, len(i.Findings)
	for _, l := range i.Layers {
		verdict, findings := l.Verdict, l.Findings
		switch {
		case verdict == "" && l.Origin != BaseOrigin:
			faults = append(faults, l.Origin+" layer: it is a foreign one on the base, and is not read")
			continue
		case verdict == "":
			continue
		case l.Origin == OtherOrigin:
			verdict, findings = l.Importer, l.ImporterFindings
			others++
		default:
			ours++
		}
		if remarks += len(findings); verdict == lintBroken {
			faults = append(faults, l.Origin+" layer: "+firstOf(findings))
		}
	}
	if i.Verdict == lintBroken {
		faults = append(faults, "image: "+firstOf(i.Findings))
	}
	switch {
	case len(faults) > 0:
		return Failed, strings.Join(faults, "; ") + "; nanobuild inspect tells more"
	case ours+others == 0 && doubt != "":
		return Failed, "no layer is read: " + doubt
	case ours+others == 0:
		return Skipped, "no layer is on the base"
	}
	text := countText(ours+others, "layer") + " read"
	if remarks > 0 {
		text += ", with " + countText(remarks, "remark") + "; nanobuild inspect tells more"
	}
	if doubt != "" {
		text += "; " + doubt
	}
	return Passed, text
}

// mostFaults is how many findings of a layer a check repeats.
const mostFaults = 3

func firstOf(findings []string) string {
	text := strings.Join(findings[:min(len(findings), mostFaults)], ", ")
	if more := len(findings) - mostFaults; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
