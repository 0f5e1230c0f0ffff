//go:build !nosign

package flow

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/layers/lint"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// contents makes the checks for which the layers on the base are read.
func (r *verifyRun) contents(one *looked) error {
	if !r.Asked.Lint && !r.Asked.Supported {
		return nil
	}
	found, err := examine(one.image, one.config, r.Deps)
	if err != nil {
		return err
	}
	if r.Asked.Supported {
		verdict, detail := supported(found)
		r.add(one.manifest, Check{Name: CheckSupported, Verdict: verdict, Detail: detail})
	}
	if r.Asked.Lint {
		verdict, detail := sound(found)
		r.add(one.manifest, Check{Name: CheckLint, Verdict: verdict, Detail: detail})
	}
	return nil
}

// supported tells whether Microsoft still supports what an image is made of. What cannot
// be told does not pass.
func supported(i *Inspection) (Verdict, string) {
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
		good = append(good, "no .NET found")
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

func endText(s *SupportOfImage) string {
	if s.Phase == winver.Ended {
		return "is out of support since " + s.End
	}
	return "is supported until " + s.End
}

// sound tells whether Windows takes the layers on the base: those of nanobuild must have
// its format, and those of other tools what Windows' importer demands.
func sound(i *Inspection) (Verdict, string) {
	var faults []string
	ours, others, remarks := 0, 0, len(i.Findings)
	for _, l := range i.Layers {
		verdict, findings := l.Verdict, l.Findings
		switch {
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
	case ours+others == 0:
		return Skipped, "no layer is on the base"
	}
	text := countText(ours+others, "layer") + " read"
	if remarks > 0 {
		text += ", with " + countText(remarks, "remark") + "; nanobuild inspect tells more"
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

// indexLint checks whether every host finds its image in an index.
func (r *verifyRun) indexLint(m manifest, doc distribution.Document) {
	if !r.Asked.Lint {
		return
	}
	c := Check{Name: CheckLint, Verdict: Passed, Detail: "every host finds its image"}
	if word, findings := verdict(lint.Index(doc.Content, nil)); word == lintBroken {
		c.Verdict, c.Detail = Failed, "index: "+firstOf(findings)
	}
	r.add(m, c)
}

// runsOn tells for each host that is wanted whether it runs one of the images.
func (r *verifyRun) runsOn(top manifest, images []*looked) {
	for _, wanted := range r.Asked.RunsOn {
		c := Check{Name: CheckRunsOn, Wanted: wanted, Verdict: Failed}
		at := top
		host, err := policy.ParseHost(wanted)
		if err != nil { // it was checked before
			c.Detail = err.Error()
		} else if one, remark, err := hostedBy(host, images); err != nil {
			c.Detail = err.Error()
		} else {
			at, c.Verdict, c.Detail = one.manifest, Passed, remark
		}
		r.add(at, c)
	}
}

// hostedBy returns the first image that a host runs as it is wanted, with what to see to.
func hostedBy(host policy.Host, images []*looked) (*looked, string, error) {
	var why []string
	for _, one := range images {
		version, err := versionOf(one.platform)
		if err != nil {
			why = append(why, err.Error())
			continue
		}
		switch isolation, remark := host.Run(version); {
		case isolation == winver.Process:
			return one, whyAndTry(host.Name+" runs it in a process", remark), nil
		case isolation == winver.HyperV && host.HyperV:
			return one, whyAndTry(host.Name+" runs it in Hyper-V's virtual machine", remark), nil
		case isolation == winver.HyperV:
			why = append(why, fmt.Sprintf("%s runs Windows %s in Hyper-V's virtual machine alone; publish for --base %s, or ask for --runs-on %[3]s/hyperv", host.Name, version, host.Short()))
		default:
			why = append(why, fmt.Sprintf("%s does not run Windows %s, which is newer; publish for --base %s", host.Name, version, host.Short()))
		}
	}
	return nil, "", errors.New(strings.Join(why, "; "))
}
