package dotnet

import (
	"fmt"
	"strings"
)

// newPlan checks a request for a project; it refuses what dotnet must not or
// cannot do here.
func newPlan(req Request, target Target) (*plan, error) {
	properties, err := parseProperties(req.Properties)
	if err != nil {
		return nil, err
	}
	p := &plan{req: req, target: target}
	for _, user := range properties {
		if isOwnProperty(user.name) {
			p.notices = append(p.notices, fmt.Sprintf("-p %s is ignored: where the publish goes is decided by nanobuild", user.name))
			continue
		}
		p.properties = append(p.properties, user)
	}
	for _, check := range []func() error{p.checkRuntime, p.checkSelfContained, p.checkFramework, p.checkConfiguration, p.checkExtra} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	p.imply()
	if target.Kind == SourceFile {
		if err := p.withoutAOT(); err != nil {
			return nil, err
		}
	}
	p.notices = append(p.notices, variableNotices(req.Env, p.decided())...)
	return p, nil
}

func (p *plan) checkRuntime() error {
	rid := p.req.RuntimeIdentifier
	if value, ok := lookup(p.properties, "RuntimeIdentifier"); ok && rid == "" {
		rid = value
	}
	if rid != "" && !strings.EqualFold(rid, runtimeIdentifier) {
		return refuse("leave -r away, or say -r "+runtimeIdentifier,
			"the runtime identifier %s is not supported: images are made for %s (Windows on x64) only", rid, runtimeIdentifier)
	}
	return nil
}

// checkSelfContained decides whether the app brings its .NET along. The project
// does not: an image that needs nothing but Windows is the rule here.
func (p *plan) checkSelfContained() error {
	p.selfContained = true
	value, given := lookup(p.properties, "SelfContained")
	if given {
		p.selfContained = strings.EqualFold(value, "true")
		if !p.selfContained && !strings.EqualFold(value, "false") {
			return refuse("say true or false", "-p SelfContained=%s is neither true nor false", value)
		}
	}
	switch asked := p.req.SelfContained; {
	case asked == nil:
	case given && *asked != p.selfContained:
		return refuse("give one of them", "--self-contained=%t and -p SelfContained=%s contradict each other", *asked, value)
	default:
		p.selfContained = *asked
	}
	return nil
}

func (p *plan) checkFramework() error {
	p.framework = p.req.Framework
	value, ok := lookup(p.properties, "TargetFramework")
	switch {
	case !ok:
	case p.framework == "":
		p.framework = value
	case p.framework != value:
		return refuse("give one of them", "-f %s and -p TargetFramework=%s contradict each other", p.framework, value)
	}
	return nil
}

func (p *plan) checkConfiguration() error {
	value, ok := lookup(p.properties, "Configuration")
	if ok && p.req.Configuration != "" && value != p.req.Configuration {
		return refuse("give one of them", "-c %s and -p Configuration=%s contradict each other", p.req.Configuration, value)
	}
	return nil
}

// refusedArguments are switches of dotnet publish and MSBuild that would send
// the output elsewhere, or build something else than the image's program.
var refusedArguments = []struct{ names, remedy string }{
	{"-c --configuration", "give -c before the --"},
	{"-f --framework", "give -f before the --"},
	{"-o --output", "the image is made from a temporary folder; --oci-layout and --tarball say where the image goes"},
	{"-r --runtime --os -a --arch --use-current-runtime --ucr", "images are made for " + runtimeIdentifier + " only"},
	{"--self-contained --sc --no-self-contained", "give --self-contained before the --"},
	{"-t -target --target /t /target", "nanobuild publishes; build other targets in a step of their own"},
	{"-getproperty -getitem -gettargetresult -getresultoutputfile", "nanobuild asks for these itself"},
	{"-tl -terminallogger --tl", "the output is read by nanobuild"},
	{"-h --help -? -version", "run dotnet publish --help"},
}

func (p *plan) checkExtra() error {
	for _, arg := range p.req.Extra {
		name, _, _ := strings.Cut(arg, ":")
		name, _, _ = strings.Cut(name, "=")
		for _, refused := range refusedArguments {
			if containsFold(strings.Fields(refused.names), name) {
				return refuse(refused.remedy, "the argument %s for dotnet publish does not go together with an image", arg)
			}
		}
	}
	return nil
}
