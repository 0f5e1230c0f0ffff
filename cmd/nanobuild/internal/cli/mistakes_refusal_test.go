package cli

import (
	"net/http"
	"testing"

	"github.com/nanobuild/nanobuild/builder/base/sample"
)

// answered is a mistake whose push meets a registry with some answers of its own. The
// credentials are good.
func answered(name string, names []string, answers ...answer) mistake {
	return mistake{name: name, code: exitPush, names: append([]string{webRepo}, names...), args: pushed(), plan: func(t *testing.T, s *scene) {
		s.credentials("me", "right-pass")
		s.serve(t, registryHost, wantsBasic("me", "right-pass", mistaken(s.working(), answers...)))
	}}
}

// tagged is the same where the tag names another image.
func tagged(name string, names []string, answers ...answer) mistake {
	m := answered(name, names, answers...)
	serve := m.plan
	m.plan = func(t *testing.T, s *scene) {
		s.hold(t, webRepo+":v1", ourImage(t, sample.Options{OSVersion: "10.0.17763.6414"}))
		serve(t, s)
	}
	return m
}

// refusalMistakes are pushes that a registry will not take.
func refusalMistakes() []mistake {
	ecr := "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
	return []mistake{
		answered("read-only-405", []string{"405", "UNSUPPORTED"}, says("^(POST|PUT|PATCH|DELETE)", http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")),
		answered("read-only-403", []string{"403", "read-only"}, says("^(POST|PUT|PATCH|DELETE)", http.StatusForbidden, "DENIED", "the registry is in read-only mode")),
		answered("quota-413", []string{"413", "configured upper limit"}, says(putBlob, http.StatusRequestEntityTooLarge, "DENIED",
			"adding 10.0 MiB of storage resource, which when updated to current usage of 1.0 GiB will exceed the configured upper limit of 1.0 GiB.")),
		answered("quota-403", []string{"403", "configured upper limit"}, says(putDigest, http.StatusForbidden, "DENIED",
			"adding 10.0 MiB of storage resource, which when updated to current usage of 1.0 GiB will exceed the configured upper limit of 1.0 GiB.")),
		answered("proxy-413", []string{"413", "413 Request Entity Too Large"}, page(sendBlob, http.StatusRequestEntityTooLarge, "413 Request Entity Too Large")),
		answered("storage-full-507", []string{"507"}, answer{to: putBlob, status: http.StatusInsufficientStorage, body: "no space left on the storage\n"}),
		answered("blob-gone", []string{"MANIFEST_BLOB_UNKNOWN"}, answer{to: putManifest, status: http.StatusNotFound,
			body: `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry","detail":{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}]}`}),
		answered("manifest-invalid", []string{"400", "MANIFEST_INVALID"}, says(putManifest, http.StatusBadRequest, "MANIFEST_INVALID", "manifest invalid")),
		answered("no-docker-manifests", []string{"415", "--format oci"}, says(putManifest, http.StatusUnsupportedMediaType, "MANIFEST_INVALID", "manifest type not supported")),
		answered("digest-mismatch", []string{"400", "DIGEST_INVALID"}, says(putBlob, http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")),
		answered("missing-project", []string{"404", "NAME_UNKNOWN"}, says("^POST", http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")),
		answered("invalid-name", []string{"400", "NAME_INVALID"}, says("^POST", http.StatusBadRequest, "NAME_INVALID", "invalid repository name")),
		{name: "no-registry-there", code: exitPush, names: []string{webRepo, "404"}, args: pushed(), plan: func(t *testing.T, s *scene) {
			s.serve(t, registryHost, mistaken(nil, page(anything, http.StatusNotFound, "404 Not Found")))
		}},
		{name: "ecr-missing-repository", code: exitPush, names: []string{ecr + "/team/web", "404", "create-repository"},
			args: []string{"push", "oci:image", "--repo", ecr + "/team/web", "-t", "v1"}, plan: func(t *testing.T, s *scene) {
				s.serve(t, ecr, mistaken(s.working(), says("^POST", http.StatusNotFound, "NAME_UNKNOWN",
					"The repository with name 'team/web' does not exist in the registry with id '123456789012'")))
			}},
	}
}

// troubleMistakes are registries that cannot do it now, however often they are asked.
func troubleMistakes() []mistake {
	wait := func(a answer, seconds string) answer {
		a.header["Retry-After"] = seconds
		return a
	}
	return []mistake{
		answered("429-for-ever", []string{"429", "rate exceeded"}, says(putBlob, http.StatusTooManyRequests, "TOOMANYREQUESTS", "rate exceeded")),
		answered("429-short-wait", []string{"429", "rate exceeded"}, wait(says(putBlob, http.StatusTooManyRequests, "TOOMANYREQUESTS", "rate exceeded"), "7")),
		answered("429-asks-for-an-hour", []string{"429", "1h"}, wait(says("^POST", http.StatusTooManyRequests, "TOOMANYREQUESTS", "rate exceeded"), "3600")),
		answered("503-for-ever", []string{"503", "maintenance"}, answer{to: "^POST", status: http.StatusServiceUnavailable, body: "down for maintenance until noon\nask the operators\n"}),
		answered("502-page", []string{"502", "502 Bad Gateway"}, page(sendBlob, http.StatusBadGateway, "502 Bad Gateway")),
		answered("500-empty", []string{"500"}, answer{to: putManifest, status: http.StatusInternalServerError}),
		{name: "pull-limit", code: exitBase, names: []string{registryHost + "/base/nano:1", "429", "pull rate limit"},
			args: []string{"publish", "app", "--base", registryHost + "/base/nano:1", "--oci-layout", "out"}, plan: func(t *testing.T, s *scene) {
				s.serve(t, registryHost, mistaken(s.working(), says("/manifests/", http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your unauthenticated pull rate limit.")))
			}},
	}
}

// tagMistakes are tags that may not move.
func tagMistakes() []mistake {
	ecr := "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
	return []mistake{
		tagged("tag-immutable-409", []string{"409", "v1"}, says(putTag, http.StatusConflict, "DENIED", "tag is immutable")),
		tagged("tag-immutable-403", []string{"403", "v1"}, says(putTag, http.StatusForbidden, "DENIED", "the tag v1 is immutable")),
		tagged("tag-immutable-412", []string{"412", "v1"}, says(putTag, http.StatusPreconditionFailed, "PRECONDITION", "Failed to process request due to 'web:v1' configured as immutable.")),
		tagged("tag-locked-405", []string{"405", "v1"}, says(putTag, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation")),
		{name: "ecr-tag-immutable", code: exitPush, names: []string{ecr + "/team/web", "400", "TAG_INVALID"},
			args: []string{"push", "oci:image", "--repo", ecr + "/team/web", "-t", "v1"}, plan: func(t *testing.T, s *scene) {
				s.hold(t, ecr+"/team/web:v1", ourImage(t, sample.Options{OSVersion: "10.0.17763.6414"}))
				s.serve(t, ecr, mistaken(s.working(), says(putTag, http.StatusBadRequest, "TAG_INVALID",
					"The image tag 'v1' already exists in the 'team/web' repository and cannot be overwritten because the tag is immutable.")))
			}},
		tagged("tag-in-trouble", []string{"503", "v1"}, answer{to: putTag, status: http.StatusServiceUnavailable}),
	}
}
