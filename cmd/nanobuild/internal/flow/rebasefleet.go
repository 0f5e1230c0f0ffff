package flow

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/nanobuild/nanobuild/publish/distribution"
)

// Fleet is all images of a part of a registry.
type Fleet struct {
	Prefix string   // HOST[/PATH]: repositories below it, and the one of that name; "" is none
	Tags   []string // patterns as of path.Match; an image is meant if one matches its tag
}

func (f Fleet) validate() error {
	if f.Prefix == "" {
		return nil
	}
	if len(f.Tags) == 0 {
		return errors.New("--repo-prefix needs a pattern of tags: --tag latest, or --tag '*' for all")
	}
	for _, p := range f.Tags {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("--tag %q is no pattern: * stands for any text, ? for a character, [a-z] for one of several", p)
		}
	}
	_, _, err := f.place()
	return err
}

// place cuts the prefix into its registry and path.
func (f Fleet) place() (name.Registry, string, error) {
	host, below, _ := strings.Cut(f.Prefix, "/")
	registry, err := name.NewRegistry(host)
	if err != nil || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return registry, "", fmt.Errorf("--repo-prefix %q begins with no host: write HOST/PATH, such as registry.example.com/shop", f.Prefix)
	}
	return registry, strings.Trim(below, "/"), nil
}

// holds tells whether a repository lies below the path.
func holds(below, repo string) bool {
	return below == "" || repo == below || strings.HasPrefix(repo, below+"/")
}

// wants tells whether images with a tag are meant.
func (f Fleet) wants(tag string) bool {
	return !aboutOther.MatchString(tag) && slices.ContainsFunc(f.Tags, func(p string) bool {
		ok, err := path.Match(p, tag)
		return ok && err == nil
	})
}

// aboutOther are the tags of signatures and the like, which are no images: those of
// cosign, and of registries without a list of referrers.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#tag-based-discovery
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
var aboutOther = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\.[a-z]+)?$`)

// fleet walks the registry. A repository whose tags cannot be listed is a failure of
// its own.
func (r *rebaseRun) fleet(ctx context.Context) (found []rebaseTarget, failed []RebasedImage, err error) {
	if r.Fleet.Prefix == "" {
		return nil, nil, nil
	}
	registry, below, err := r.Fleet.place()
	if err != nil {
		return nil, nil, at(StageUsage, err)
	}
	part, err := parseShard(r.Shard)
	if err != nil {
		return nil, nil, at(StageUsage, err)
	}
	repos, err := r.network.Catalog(ctx, registry, r.Keychain.For(registry.RegistryStr()), func(repo string) bool { return holds(below, repo) })
	if err != nil {
		return nil, nil, at(StageBase, catalogError(err, registry.RegistryStr(), below))
	}
	if len(repos) == 0 {
		return nil, nil, at(StageBase, fmt.Errorf("the catalog of %s has no repository below %q that it shows to you; check --repo-prefix and the credentials", registry, below))
	}
	repos = slices.DeleteFunc(repos, func(repo string) bool { return !part.has(registry.Repo(repo).Name()) })
	lists := make([][]string, len(repos))
	errs := make([]error, len(repos))
	g := errgroup.Group{}
	g.SetLimit(r.Jobs)
	for i, repo := range repos {
		g.Go(func() error {
			lists[i], errs[i] = r.reader(registry.Repo(repo)).Tags(ctx, r.Fleet.wants)
			return nil
		})
	}
	_ = g.Wait() // each repository keeps its own error
	for i, repo := range repos {
		switch {
		case errs[i] == nil, distribution.NotFound.In(errs[i]): // it has no tag left
		default:
			r.Log.Error(fmt.Sprintf("%s: failed: %v", registry.Repo(repo), errs[i]))
			failed = append(failed, RebasedImage{Image: registry.Repo(repo).Name(), Err: at(StageBase, errs[i])})
		}
		for _, tag := range lists[i] {
			ref := registry.Repo(repo).Tag(tag)
			found = append(found, rebaseTarget{text: ref.Name(), ref: ref, listed: true})
		}
	}
	r.Log.Info(fmt.Sprintf("%s: %d repositories, %d images", r.Fleet.Prefix, len(repos), len(found)))
	return found, failed, ctx.Err()
}

// catalogError shows how to go on where a registry has no catalog for us: its own
// tool lists the images.
func catalogError(err error, host, below string) error {
	if !distribution.NotFound.In(err) && !distribution.Unauthorized.In(err) && !distribution.Refused.In(err) {
		return err
	}
	org, _, _ := strings.Cut(below, "/")
	if org == "" {
		org = "ORG"
	}
	var list string
	switch {
	case host == "ghcr.io":
		list = fmt.Sprintf(`gh api --paginate "orgs/%[1]s/packages?package_type=container" --jq '.[].name' | sed 's|.*|ghcr.io/%[1]s/&:latest|'`, org)
	case host == name.DefaultRegistry:
		list = fmt.Sprintf(`curl -s "https://hub.docker.com/v2/repositories/%[1]s/?page_size=100" | jq -r '.results[].name' | sed 's|.*|docker.io/%[1]s/&:latest|'`, org)
	case strings.Contains(host, "gitlab"):
		list = fmt.Sprintf(`glab api --paginate "groups/%s/registry/repositories" | jq -r '.[].location + ":latest"'`, org)
	case strings.Contains(host, ".dkr.ecr."):
		list = `aws ecr describe-repositories --query 'repositories[].[repositoryUri]' --output text | sed 's|$|:latest|'`
	default:
		return fmt.Errorf("%w\nWithout its catalog, list the images yourself:\n  printf '%%s:latest\\n' %s/%s/{api,web} | nanobuild rebase --from -", err, host, org)
	}
	return fmt.Errorf("%w\nWithout its catalog, its own API lists the images:\n  %s | nanobuild rebase --from -", err, list)
}
