package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/layers"
)

// The classes of faults in an image.
const (
	BadJSON    Class = "ERR_JSON"    // manifest or config cannot be read
	DiffIDs    Class = "DIFF_IDS"    // not one diff_id per layer, or others
	History    Class = "HISTORY"     // not one history entry per layer
	Platform   Class = "PLATFORM"    // not Windows, or not the base's
	Settings   Class = "SETTINGS"    // user, environment or command
	BaseLayers Class = "BASE_LAYERS" // the base's layers are not as they were
	MediaType  Class = "MEDIA_TYPE"  // Docker and OCI types mixed
	EntryPoint Class = "ENTRY_POINT" // no program that Windows could start
	WorkingDir Class = "WORKING_DIR" // no folder of the image
	Runtime    Class = "RUNTIME"     // parts of .NET are missing
	Content    Class = "CONTENT"     // files differ from the publish folder
)

// ImageInput is an image to check. Manifest and Config are required; what is
// missing of the rest is not checked.
type ImageInput struct {
	Manifest []byte       // raw JSON
	Config   []byte       // raw JSON
	Base     *BaseImage   // nil: not compared with a base
	Layers   []ImageLayer // the layers on the base, from the base up; nil: not looked into
	Asked    Asked        // what the user wanted to differ from the base
	Publish  fs.FS        // the publish folder; nil: files are not compared
	Target   string       // slash path below C: that Publish became
}

// BaseImage is the base of an image.
type BaseImage struct {
	Manifest []byte // raw JSON
	Config   []byte // raw JSON
}

// ImageLayer is the content of a layer: Entries of a plan, or Tar to read it
// from, once.
type ImageLayer struct {
	DiffID  v1.Hash // zero: not compared
	Entries []layers.Entry
	Tar     func() (io.ReadCloser, error)
}

// Asked says which settings the user gave.
type Asked struct {
	User bool
	Path bool // PATH in the environment
	Cmd  bool
}

// Image checks manifest, config and the files of an image: rules 19-22 and
// 24-28. The error says that a layer or the publish folder could not be read.
func Image(in ImageInput) (Report, error) {
	c := &imageCheck{in: in, found: newCollector()}
	if !c.parse() {
		return c.done(), nil
	}
	c.layers()
	c.history()
	c.mediaTypes()
	c.platform()
	c.settings()
	if len(in.Layers) > 0 {
		files, err := gather(in, c.program())
		if err != nil {
			return Report{}, err
		}
		c.report.Files, c.report.Dirs, c.report.Bytes = files.count()
		c.workingDir(files)
		c.entryPoint(files)
		if err := c.publish(files); err != nil {
			return Report{}, err
		}
	}
	return c.done(), nil
}

type imageCheck struct {
	in       ImageInput
	found    *collector
	report   Report
	manifest *v1.Manifest
	config   *v1.ConfigFile

	baseManifest *v1.Manifest // nil without a base
	baseConfig   *v1.ConfigFile
}

func (c *imageCheck) done() Report {
	c.report.Findings = c.found.findings()
	return c.report
}

func (c *imageCheck) parse() bool {
	c.manifest, c.config = c.parseImage("", c.in.Manifest, c.in.Config)
	if c.in.Base != nil {
		c.baseManifest, c.baseConfig = c.parseImage("base ", c.in.Base.Manifest, c.in.Base.Config)
	}
	return len(c.found.list) == 0
}

func (c *imageCheck) parseImage(what string, manifest, config []byte) (*v1.Manifest, *v1.ConfigFile) {
	m, err := readJSON(manifest, v1.ParseManifest)
	if err != nil {
		c.add(24, BadJSON, what+"manifest", "it cannot be read: %v", err)
	}
	f, err := readJSON(config, v1.ParseConfigFile)
	if err != nil {
		c.add(24, BadJSON, what+"config", "it cannot be read: %v", err)
	}
	return m, f
}

// readJSON parses a document, unless it would take much memory.
func readJSON[T any](raw []byte, read func(io.Reader) (*T, error)) (*T, error) {
	if err := layers.CheckJSON(raw); err != nil {
		return nil, err
	}
	return read(bytes.NewReader(raw))
}

func (c *imageCheck) add(rule int, class Class, path, format string, args ...any) {
	c.found.add(Finding{Assertion: rule, Class: class, Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *imageCheck) warn(rule int, class Class, path, format string, args ...any) {
	c.found.add(Finding{Assertion: rule, Class: class, Path: path, Message: fmt.Sprintf(format, args...), Warning: true})
}

// baseCount is how many of the image's layers are the base's; -1 when that is
// not known.
func (c *imageCheck) baseCount() int {
	switch {
	case c.baseManifest != nil:
		return min(len(c.baseManifest.Layers), len(c.manifest.Layers))
	case c.in.Layers != nil:
		return max(len(c.manifest.Layers)-len(c.in.Layers), 0)
	}
	return -1
}

// fields are the members of a JSON object, nil when it is none.
func fields(raw json.RawMessage) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m
}

// sameJSON compares two values, white space and the order of keys aside.
func sameJSON(a, b json.RawMessage) bool {
	return canonical(a) == canonical(b)
}

func canonical(raw json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(text)
}
