package cli

import (
	"net/http"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

const baseRef = registryHost + "/base/nano:1"

// onBase is a mistake about the base of a publish run, which the registry holds.
func onBase(name string, names []string, images ...sample.Options) mistake {
	return mistake{name: name, code: exitBase, names: append([]string{baseRef}, names...),
		args: []string{"publish", "app", "--base", baseRef, "--oci-layout", "out"},
		plan: func(t *testing.T, s *scene) {
			s.hold(t, baseRef, listOf(t, images...))
			s.serve(t, registryHost, s.working())
		}}
}

func (m mistake) with(args ...string) mistake {
	m.args = append(append([]string{}, m.args...), args...)
	return m
}

func listOf(t *testing.T, images ...sample.Options) v1.ImageIndex {
	t.Helper()
	var all []v1.Image
	for _, o := range images {
		all = append(all, ourImage(t, o))
	}
	list, err := sample.Index(all...)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func ourImage(t *testing.T, o sample.Options) v1.Image {
	t.Helper()
	image, err := sample.Image(o)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// baseMistakes are bases that are none, or are not there.
func baseMistakes() []mistake {
	linux := sample.Options{OS: "linux", NoOSVersion: true}
	older, newer := sample.Options{OSVersion: "10.0.17763.6414"}, sample.Options{OSVersion: "10.0.26100.4652"}
	base := []string{"publish", "app", "--base", baseRef, "--oci-layout", "out"}
	return []mistake{
		{name: "base-linux", code: exitBase, names: []string{baseRef, "linux"}, args: base, plan: func(t *testing.T, s *scene) {
			s.hold(t, baseRef, ourImage(t, linux))
			s.serve(t, registryHost, s.working())
		}},
		{name: "base-without-os-version", code: exitBase, names: []string{baseRef, "--os-version"}, args: append(base, "--os-version", "10.0.20348"), plan: func(t *testing.T, s *scene) {
			s.hold(t, baseRef, ourImage(t, sample.Options{NoOSVersion: true}))
			s.serve(t, registryHost, s.working())
		}},
		{name: "base-other-version", code: exitBase, names: []string{baseRef, "10.0.17763"}, args: append(base, "--os-version", "10.0.20348"), plan: func(t *testing.T, s *scene) {
			s.hold(t, baseRef, ourImage(t, older))
			s.serve(t, registryHost, s.working())
		}},
		onBase("list-without-windows", []string{"linux"}, linux, sample.Options{OS: "linux", Architecture: "arm64", NoOSVersion: true}),
		onBase("list-without-the-version", []string{"10.0.17763.6414", "10.0.26100.4652"}, older, newer).with("--os-version", "10.0.20348"),
		onBase("list-of-several-builds", []string{"10.0.17763.6414", "10.0.26100.4652", "--os-version"}, older, newer),
		{name: "base-unknown-tag", code: exitBase, names: []string{registryHost + "/base/nano:2", "404"},
			args: []string{"publish", "app", "--base", registryHost + "/base/nano:2", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
				s.hold(t, baseRef, ourImage(t, sample.Options{}))
				s.serve(t, registryHost, s.working())
			}},
		{name: "base-unknown-repository", code: exitBase, names: []string{registryHost + "/base/nono:1", "404"},
			args: []string{"publish", "app", "--base", registryHost + "/base/nono:1", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
				s.serve(t, registryHost, s.working())
			}},
		{name: "base-damaged", code: exitBase, names: []string{baseRef}, args: base, plan: func(t *testing.T, s *scene) {
			s.hold(t, baseRef, ourImage(t, sample.Options{}))
			s.serve(t, registryHost, mistaken(s.working(), answer{to: "^GET .*/blobs/", status: http.StatusOK, body: "somebody else's bytes"}))
		}},
		{name: "base-layer-gone", code: exitBase, names: []string{registryHost + "/base/nano", "404"}, args: base, plan: func(t *testing.T, s *scene) {
			image := ourImage(t, sample.Options{})
			s.hold(t, baseRef, image)
			layer := layerOf(t, image)
			s.serve(t, registryHost, mistaken(s.working(), says("^GET .*/blobs/"+layer, http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")))
		}},
		{name: "base-of-the-daemon", code: exitBase, names: []string{"mynanoserver", "docker save"}, args: []string{"publish", "app", "--base", "mynanoserver", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
			s.serve(t, "index.docker.io", wantsToken("https://auth.docker.io/token", "t0ken", s.working()))
			s.serve(t, "auth.docker.io", givesToken("other"))
		}},
		{name: "mirror-and-source-without-base", code: exitBase, warns: true, names: []string{baseRef, "mirror.example.com", "404"}, args: append(base, "--registry-map", registryHost+"=mirror.example.com/corp"), plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, s.working())
			s.serve(t, "mirror.example.com", mistaken(nil, says(anything, http.StatusForbidden, "DENIED", "no access")))
		}},
		{name: "inspect-unknown-tag", code: exitBase, names: []string{webRepo, "404"}, args: []string{"inspect", webRepo + ":v9"}, plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, s.working())
		}},
	}
}

func layerOf(t *testing.T, image v1.Image) string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// argumentMistakes are found before anybody is asked.
func argumentMistakes() []mistake {
	return []mistake{
		{name: "registry-map-without-equals", code: exitUsage, names: []string{"--registry-map", "mcr.microsoft.com"}, args: []string{"publish", "app", "--registry-map", "mcr.microsoft.com"}},
		{name: "registry-map-with-scheme", code: exitUsage, names: []string{"--registry-map", "https"}, args: []string{"inspect", webRepo, "--registry-map", "mcr.microsoft.com=https://registry.example.com/mcr"}},
		{name: "ca-file-no-pem", code: exitUsage, names: []string{"--ca-file", "ca.der"}, args: pushed("--ca-file", "ca.der"), plan: func(t *testing.T, s *scene) {
			s.write(t, s.dir, "ca.der", "\x30\x82\x01\x0a")
		}},
		{name: "ca-file-missing", code: exitUsage, names: []string{"--ca-file", "nowhere.pem"}, system: true, args: pushed("--ca-file", "nowhere.pem")},
		{name: "insecure-with-scheme", code: exitUsage, names: []string{"--insecure " + registryHost}, args: pushed("--insecure", "http://"+registryHost)},
		{name: "push-missing-layout", code: exitBase, names: []string{"oci:", "nowhere"}, args: []string{"push", "oci:nowhere", "--repo", webRepo}},
		{name: "push-missing-tarball", code: exitBase, names: []string{"tar:", "nowhere.tar"}, args: []string{"push", "tar:nowhere.tar", "--repo", webRepo}},
		{name: "push-no-file", code: exitUsage, names: []string{webRepo + ":v1"}, args: []string{"push", webRepo + ":v1", "--repo", webRepo}},
		{name: "repo-with-tag", code: exitUsage, names: []string{webRepo + ":v1", "-t v1"}, args: []string{"push", "oci:image", "--repo", webRepo + ":v1"}},
		{name: "repo-with-scheme", code: exitUsage, names: []string{webRepo}, args: []string{"push", "oci:image", "--repo", "https://" + webRepo}},
		{name: "image-refs-without-folder", code: exitUsage, names: []string{"--image-refs"}, system: true, args: pushed("--image-refs", "no/folder/refs")},
		{name: "chunk-size", code: exitUsage, names: []string{"--upload-chunk-size"}, args: pushed("--upload-chunk-size", "50 cows")},
		{name: "login-to-repository", code: exitUsage, names: []string{webRepo, registryHost}, args: []string{"login", webRepo, "-u", "me", "--password-stdin"}, plan: func(_ *testing.T, s *scene) {
			s.stdin = "right-pass\n"
		}},
	}
}
