package flow

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// withoutMicrosoft is a transport to a world in which Microsoft's registry has nothing.
type withoutMicrosoft struct{ next http.RoundTripper }

func (w withoutMicrosoft) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "mcr.microsoft.com" {
		return w.next.RoundTrip(req)
	}
	status := http.StatusNotFound
	if req.URL.Path == "/v2/" {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// remove takes an image out of the base's repository.
func (p *patchDay) remove(t *testing.T, digest string) {
	t.Helper()
	repo, err := name.NewRepository(strings.TrimSuffix(p.base, ":ltsc2022"))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Delete(repo.Digest(digest)); err != nil {
		t.Fatal(err)
	}
}

// mirrored has Microsoft's bases read from the site's own registry.
func (p *patchDay) mirrored() []string {
	return []string{"mcr.microsoft.com/windows=" + strings.TrimSuffix(p.base, "/nanoserver:ltsc2022")}
}

// Where an old base of Microsoft's is gone, values of the config stay, and that is said
// of each image.
func TestRebaseWithoutTheOldBase(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	p.Transport = withoutMicrosoft{p.Transport}
	images := []string{p.host + "/web:v1", p.host + "/web:v2"}
	for i, tag := range []string{"v1", "v2"} {
		o := p.options("web", p.app(t, "web"+tag, strings.Repeat("hello", i+1)))
		o.Bases, o.RegistryMap, o.Targets.Tags = []string{"ltsc2022"}, p.mirrored(), []string{tag}
		p.publish(t, o)
	}
	kept := sampleImage(t, sample.Options{Layers: 2})
	old := digestOfImage(t, kept)
	p.patch(t, patched)
	p.remove(t, old)
	elsewhere := p.host + "/copies/of:old"
	if err := remote.Write(parseTag(t, elsewhere), kept); err != nil {
		t.Fatal(err)
	}
	copied, err := p.rebase(t, func(o *RebaseOptions) {
		o.RegistryMap, o.OldBase, o.DryRun, o.Cache = p.mirrored(), elsewhere, true, ""
	}, images...)
	if err != nil || !slices.Contains(copied[0].Changes, "Env PATCHED none -> "+patched) {
		t.Errorf("with a copy: %+v, %v", copied, err)
	}
	done, err := p.rebase(t, func(o *RebaseOptions) { o.Cache, o.RegistryMap = "", p.mirrored() }, images...)
	if err != nil {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, image := range images {
		c := configOf(t, p.image(t, strings.TrimPrefix(image, p.host+"/")))
		if says := image + ": The base that the image was built on is gone"; c.OSVersion != patched || strings.Count(p.log.String(), says) != 1 {
			t.Errorf("os.version %s, and the log does not say once %q:\n%s", c.OSVersion, says, p.log.String())
		}
	}
}

// Where an old base of anybody else's is gone, nothing shows that the image was built on
// it, and the user has to say where the image belongs.
func TestRebaseWithoutTheOldBaseOfACompany(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	kept := sampleImage(t, sample.Options{Layers: 2})
	old := digestOfImage(t, kept)
	next := p.patch(t, patched)
	p.remove(t, old)
	image := p.host + "/web:v1"
	done, err := p.rebase(t, nil, image) // the documents of the old base are in the cache
	var unknown *builder.UnknownBaseError
	if stageOf(err) != StageBase || !errors.As(err, &unknown) || !strings.Contains(err.Error(), "--base") || !strings.Contains(err.Error(), "--old-base") {
		t.Fatalf("%+v, %v", done, err)
	}
	if p.host+"/web@"+digestOfImage(t, p.image(t, "web:v1")) != p.first {
		t.Error("the tag moved")
	}
	copies := p.host + "/windows/nanoserver"
	for tag, image := range map[string]v1.Image{"old": kept, "ltsc2022": next} {
		if err := remote.Write(parseTag(t, copies+":"+tag), image); err != nil {
			t.Fatal(err)
		}
	}
	for tag, change := range map[string]func(*RebaseOptions){
		"base":     func(o *RebaseOptions) { o.Base = p.base },
		"old-base": func(o *RebaseOptions) { o.OldBase = copies + "@" + old },
	} {
		done, err := p.rebase(t, func(o *RebaseOptions) { change(o); o.Tags = []string{tag} }, image)
		if err != nil || configOf(t, p.image(t, "web:"+tag)).OSVersion != patched {
			t.Errorf("--%s: %+v, %v", tag, done, err)
		}
	}
}

// An image can name anything as its base. That brings it no layer of an image that its
// owner may not be able to read, whatever is known of the digest that it records.
func TestRebaseCopiesNoSecrets(t *testing.T) {
	t.Parallel()
	p := newPatchDay(t)
	public := sampleImage(t, sample.Options{Layers: 2})
	secret, err := mutate.Append(sampleImage(t, sample.Options{Layers: 2, OSVersion: patched}), mutate.Addendum{
		Layer: static.NewLayer([]byte("a secret"), types.DockerLayer), History: v1.History{CreatedBy: "COPY secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	hidden := p.host + "/secret/app:latest"
	if err := remote.Write(parseTag(t, hidden), secret); err != nil {
		t.Fatal(err)
	}
	for _, digest := range []string{
		"", "sha256:" + strings.Repeat("1", 64),
		digestOfImage(t, public), // which the cache knows, and which the image begins with
	} {
		image, err := mutate.Append(public, mutate.Addendum{
			Layer: static.NewLayer([]byte("an app"), types.DockerLayer), History: v1.History{CreatedBy: "nanobuild: app layer"},
		})
		if err != nil {
			t.Fatal(err)
		}
		c := configOf(t, image).DeepCopy()
		c.Config.Labels = map[string]string{"org.opencontainers.image.base.name": hidden, "org.opencontainers.image.base.digest": digest}
		if image, err = mutate.ConfigFile(image, c); err != nil {
			t.Fatal(err)
		}
		ref := p.host + "/attacker/app:v1"
		if err := remote.Write(parseTag(t, ref), image); err != nil {
			t.Fatal(err)
		}
		done, err := p.rebase(t, nil, ref)
		var unknown *builder.UnknownBaseError
		if !errors.As(err, &unknown) || digestOfImage(t, p.image(t, "attacker/app:v1")) != digestOfImage(t, image) {
			t.Errorf("recorded digest %q: %+v, %v", digest, done, err)
		}
	}
}

// A base that may not be read is not one that is gone: a rebase without it would take
// its settings for the application's, and for ever.
func TestRebaseOfABaseThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		p := newPatchDay(t)
		old := sampleImage(t, sample.Options{Layers: 2})
		digest := digestOfImage(t, old)
		p.patch(t, patched)
		p.putBase(t, old, "copy")
		next := p.bases.next
		p.bases.next = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasSuffix(req.URL.Path, "/manifests/"+digest) {
				w.WriteHeader(status)
				return
			}
			next.ServeHTTP(w, req)
		})
		image := p.host + "/web:v1"
		done, err := p.rebase(t, nil, image)
		if stageOf(err) != StageBase || !strings.Contains(err.Error(), "--old-base") || strings.Count(err.Error(), "\n") > 3 {
			t.Errorf("%d: %+v, %v", status, done, err)
		}
		if p.host+"/web@"+digestOfImage(t, p.image(t, "web:v1")) != p.first {
			t.Error("the tag moved")
		}
		_, err = p.rebase(t, func(o *RebaseOptions) { o.Base, o.OldBase = p.base, strings.Replace(p.base, "ltsc2022", "copy", 1) }, image)
		if env := configOf(t, p.image(t, "web:v1")).Config.Env; err != nil || !slices.Contains(env, "PATCHED="+patched) {
			t.Errorf("%d, with --old-base: %v, variables %q", status, err, env)
		}
	}
}
