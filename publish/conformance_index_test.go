package publish

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestSinkIndex(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		content := indexOf(t, threeBuilds(t, testLayer(t, 1, 40_000)))
		s := p.sink()
		prepared, err := Prepare(t.Context(), content, []Sink{s}, []string{"v1", "latest"}, PushOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if v := p.visible(); len(v) > 0 {
			t.Errorf("visible before Commit: %v", v)
		}
		refs, err := prepared.Commit(t.Context())
		if err := errors.Join(err, prepared.Close()); err != nil {
			t.Fatal(err)
		}
		if want := s.Name() + "@" + digestOf(t, content).String(); refs[0] != want {
			t.Errorf("Commit = %q, want %q", refs[0], want)
		}
		want := tagsOf(t, content, "v1", "latest")
		if diff := cmp.Diff(want, p.visible()); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
		index, err := p.index("v1")
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(index); err != nil {
			t.Error(err)
		}
		if raw, err := index.RawManifest(); err != nil || string(raw) != string(content.raw) {
			t.Errorf("the index is another one: %s, %v", raw, err)
		}
		img, err := p.image("latest-ltsc2019")
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Error(err)
		}
		if l := p.litter(); len(l) > 0 {
			t.Errorf("left behind: %v", l)
		}
		again, err := PushContent(t.Context(), content, []Sink{p.sink()}, []string{"v1", "latest"}, PushOptions{})
		if err != nil || again[0] != refs[0] {
			t.Errorf("again: %v, %v", again, err)
		}
		if diff := cmp.Diff(want, p.visible()); diff != "" {
			t.Errorf("tags of the second run (-want +got):\n%s", diff)
		}
	})
}

func TestSinkHoldsIndexes(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		children := threeBuilds(t, testLayer(t, 1, 40_000))
		content := indexOf(t, children)
		holds := func(c Content, tags ...string) string {
			t.Helper()
			ref, err := p.sink().Holds(t.Context(), c, tags)
			if err != nil {
				t.Error(err)
			}
			return ref
		}
		if ref := holds(content, "v1"); ref != "" {
			t.Errorf("an empty place holds it as %q", ref)
		}
		refs, err := PushContent(t.Context(), content, []Sink{p.sink()}, []string{"v1"}, PushOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: refs[0]}[p.keeps]
		if got := holds(content, "v1"); got != want {
			t.Errorf("Holds = %q, want %q", got, want)
		}
		renamed := []Child{children[0], children[1], {Image: children[2].Image, Suffix: "1809"}}
		for what, got := range map[string]string{
			"another tag": holds(content, "v2"), "a suffix that is new": holds(indexOf(t, renamed), "v1"),
			"a part of it": holds(indexOf(t, children[:2]), "v1"), "one of its images": holds(OfImage(children[0].Image), "v1"),
		} {
			if got != "" {
				t.Errorf("%s: Holds = %q", what, got)
			}
		}
		if got, want := holds(OfImage(children[0].Image), "v1-ltsc2025"), p.sink().Name()+"@"+digestOf(t, children[0].Image).String(); p.keeps && got != want {
			t.Errorf("Holds of one image under its own tag = %q, want %q", got, want)
		}
	})
}

// An image and an index take each other's place.
func TestSinkTagsChangeTheirKind(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		children := threeBuilds(t, testLayer(t, 1, 40_000))
		for _, content := range []Content{OfImage(children[0].Image), indexOf(t, children), OfImage(children[1].Image)} {
			if _, err := PushContent(t.Context(), content, []Sink{p.sink()}, []string{"v1"}, PushOptions{}); err != nil {
				t.Fatal(err)
			}
			if got, want := p.visible()["v1"], digestOf(t, content).String(); got != want {
				t.Errorf("v1 names %s, want %s", got, want)
			}
		}
	})
}

// An index in an index comes along, and what tags name is the outer one.
func TestSinkNestedIndex(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		children := threeBuilds(t, testLayer(t, 1, 40_000))
		inner := indexOf(t, children)
		d, err := inner.document()
		if err != nil {
			t.Fatal(err)
		}
		desc, err := d.descriptor()
		if err != nil {
			t.Fatal(err)
		}
		outer := OfIndex(rawIndex(t, *desc), inner.mediaType, []Child{{Index: &inner}})
		if _, err := PushContent(t.Context(), outer, []Sink{p.sink()}, []string{"v1"}, PushOptions{}); err != nil {
			t.Fatal(err)
		}
		index, err := p.index("v1")
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(index); err != nil {
			t.Error(err)
		}
	})
}

func TestSinkMerge(t *testing.T) {
	t.Parallel()
	eachPlace(t, func(t *testing.T, p place) {
		children := threeBuilds(t, testLayer(t, 1, 40_000))
		merge := mergeOf(t, children)
		_, err := PushContent(t.Context(), merge, []Sink{p.sink()}, []string{"v1"}, PushOptions{})
		if _, ok := p.sink().(*Registry); !ok {
			var usage *UsageError
			if !errors.As(err, &usage) || len(p.visible()) > 0 || len(p.litter()) > 0 {
				t.Errorf("Push = %v, visible %v, left %v", err, p.visible(), p.litter())
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tagsOf(t, indexOf(t, children), "v1"), p.visible()); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	})
}

func TestTagsThatWouldNameTwoThings(t *testing.T) {
	t.Parallel()
	children := threeBuilds(t, testLayer(t, 1, 1000))
	twins := []Child{children[0], {Image: children[1].Image, Suffix: children[0].Suffix}}
	for what, c := range map[string]struct {
		children []Child
		tags     []string
		refused  bool
	}{
		"a suffix twice":             {twins, []string{"v1"}, true},
		"a tag that a child has":     {children, []string{"v1", "v1-ltsc2022"}, true},
		"too long with a suffix":     {children, []string{"v1", longTag(125)}, true},
		"no suffix, so long as any":  {[]Child{{Image: children[0].Image}}, []string{longTag(128)}, false},
		"a tag that is given twice":  {children, []string{"v1", "v1"}, false},
		"two tags":                   {children, []string{"v1", "v2"}, false},
		"one image under two tags":   {[]Child{children[0], {Image: children[0].Image, Suffix: "x"}}, []string{"v1"}, false},
		"one image twice, same name": {[]Child{children[0], children[0]}, []string{"v1"}, false},
	} {
		for _, content := range []Content{indexOf(t, c.children), mergeOf(t, c.children)} {
			host, rec := newServer(t)
			_, err := PushContent(t.Context(), content, []Sink{newTestRegistry(t, host+"/app", RegistryOptions{})}, c.tags, PushOptions{})
			var usage *UsageError
			if errors.As(err, &usage) != c.refused || (err != nil) != c.refused {
				t.Errorf("%s: Push = %v", what, err)
			}
			if q := rec.take(""); c.refused && len(q) > 0 {
				t.Errorf("%s: asked the registry %v", what, q)
			}
		}
	}
}

func longTag(n int) string {
	tag := make([]byte, n)
	for i := range tag {
		tag[i] = 'a'
	}
	return string(tag)
}
