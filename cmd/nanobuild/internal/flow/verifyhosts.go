//go:build !nosign

package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/winver"
	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
	"github.com/nanobuild/nanobuild/layers/lint"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// indexLint checks whether every host finds its image in an index: by the platforms of
// the entries, which must be those of the images.
func (r *verifyRun) indexLint(m manifest, doc distribution.Document, seen []*looked) {
	if !r.Asked.Lint {
		return
	}
	configs := map[v1.Hash][]byte{}
	var faults []string
	for _, one := range seen {
		configs[one.digest] = one.image.Config
		for _, p := range one.platforms {
			if p.OS != "windows" { // the rules for indexes take these for other systems' images
				faults = append(faults, fmt.Sprintf("%s: the entry names the system %q, and the image is for windows", one.digest, builder.Printable(p.OS)))
			}
		}
	}
	c := Check{Name: CheckLint, Verdict: Passed, Detail: "every host finds its image"}
	if word, findings := verdict(lint.Index(doc.Content, configs)); word == lintBroken {
		faults = append(faults, findings...)
	}
	if len(faults) > 0 {
		c.Verdict, c.Detail = Failed, "index: "+firstOf(faults)
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

// hostedBy returns the first image that a host finds and runs as it is wanted, with what
// to see to.
func hostedBy(host policy.Host, images []*looked) (*looked, string, error) {
	var why []string
	for _, one := range images {
		for _, p := range one.platforms {
			remark, err := one.runs(host, p)
			if err == nil {
				return one, remark, nil
			}
			if text := err.Error(); !slices.Contains(why, text) {
				why = append(why, text)
			}
		}
	}
	return nil, "", errors.New(strings.Join(why, "; "))
}

// runs tells what to see to where a host runs an image that it finds by a platform, or why
// it does not.
func (l *looked) runs(host policy.Host, p v1.Platform) (string, error) {
	version, err := versionOf(p)
	switch {
	case err != nil:
		return "", err
	case winver.BuildOf(p.OSVersion) != winver.BuildOf(l.osVersion):
		return "", fmt.Errorf("hosts find an image as Windows %s in the index that is Windows %s; publish the index again", version, orNoVersion(l.osVersion))
	case p.Architecture != "amd64":
		return "", fmt.Errorf("hosts find an image for amd64 under the architecture %q in the index; publish the index again", builder.Printable(p.Architecture))
	}
	switch isolation, remark := host.Run(version); {
	case isolation == winver.Process:
		return whyAndTry(host.Name+" runs it in a process", remark), nil
	case isolation == winver.HyperV && host.HyperV:
		return whyAndTry(host.Name+" runs it in Hyper-V's virtual machine", remark), nil
	case isolation == winver.HyperV:
		return "", fmt.Errorf("%s runs Windows %s in Hyper-V's virtual machine alone; publish for --base %s, or ask for --runs-on %[3]s/hyperv", host.Name, version, host.Short())
	default:
		return "", fmt.Errorf("%s does not run Windows %s, which is newer; publish for --base %s", host.Name, version, host.Short())
	}
}
