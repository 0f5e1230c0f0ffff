package flow

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base"
)

// ground is what is known of the base that an image stands on. The zero value believes
// the history of the image.
type ground struct {
	proved *base.Base // the image begins with its layers
	// doubted says that no base is proved and that the history does not count, apart
	// from layers that it says are ours: those are read. Else the first is taken for the
	// base's, since without Windows in it no layer works, and foreign ones right on it
	// are too, which the registry need not have.
	doubted   bool
	variables []string // of the proved base
}

// origins corrects what the history of an image says of its layers.
func (g ground) origins(said []string, all []v1.Layer) ([]string, error) {
	if g.proved == nil && !g.doubted {
		return said, nil
	}
	onBase := 0
	if g.proved != nil {
		onBase = len(g.proved.Layers)
	} else {
		foreign, err := leadingForeign(all)
		if err != nil {
			return nil, err
		}
		onBase = max(1, foreign)
	}
	origins := make([]string, len(said))
	for i, origin := range said {
		switch inBase := i < onBase; {
		case inBase && (g.proved != nil || origin == BaseOrigin || origin == OtherOrigin):
			origin = BaseOrigin
		case origin == BaseOrigin:
			origin = OtherOrigin
		}
		origins[i] = origin
	}
	return origins, nil
}

// leadingForeign counts the layers from the first up that are not to be distributed.
func leadingForeign(all []v1.Layer) (int, error) {
	for i, l := range all {
		mediaType, err := l.MediaType()
		if err != nil {
			return 0, err
		}
		if mediaType.IsDistributable() {
			return i, nil
		}
	}
	return len(all), nil
}

// settings are those of the image. What the proved base says of the .NET in it counts
// more: the file is there, whatever the image says.
func (g ground) settings(c v1.Config) v1.Config {
	if version := variable(g.variables, dotnetVariable); version != "" {
		c.Env = append([]string{dotnetVariable + "=" + version}, c.Env...)
	}
	return c
}
