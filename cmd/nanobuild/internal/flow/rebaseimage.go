package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/nanobuild/nanobuild/builder"
	"github.com/nanobuild/nanobuild/builder/base"
	"github.com/nanobuild/nanobuild/publish"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// rebasePlan is what is to be done for an image or an index.
type rebasePlan struct {
	content  publish.Content
	current  bool
	moves    []string  // from which Windows to which
	changes  []string  // all that differs
	replaced []v1.Hash // manifests that tags led to before
	blobs    []v1.Hash // that the repository has
	images   []v1.Hash // the manifests of the results
}

// movedError says that a tag does not name any more what was read.
type movedError struct {
	image string
	now   v1.Hash // zero is nothing
}

func (e *movedError) Error() string {
	if e.now == (v1.Hash{}) {
		return e.image + " was removed meanwhile; look who removes it, and run again"
	}
	return fmt.Sprintf("%s was moved to %s meanwhile, so it stays there; look who moves it, and run again", e.image, e.now)
}

// foreignError says that something is no image for Windows.
type foreignError struct{ what string }

func (e *foreignError) Error() string {
	return fmt.Sprintf("it is %s; rebase is for images for Windows", e.what)
}

// image rebases one. Where somebody moves the tag meanwhile, what it names then is
// rebased.
func (r *rebaseRun) image(ctx context.Context, t rebaseTarget) RebasedImage {
	done := RebasedImage{Image: t.text}
	err := r.rebaseOne(ctx, t, &done, false)
	if moved := (*movedError)(nil); errors.As(err, &moved) && moved.now != (v1.Hash{}) {
		r.Log.Info(fmt.Sprintf("%s: somebody moved it to %s meanwhile; reading it again", t.text, moved.now))
		err = r.rebaseOne(ctx, t, &done, true)
	}
	var foreign *foreignError
	if done.Left = t.listed && errors.As(err, &foreign); done.Left {
		r.Log.Debug(fmt.Sprintf("%s: left alone: %v", t.text, err))
		return done
	}
	done.Err = err
	return done
}

func (r *rebaseRun) rebaseOne(ctx context.Context, t rebaseTarget, done *RebasedImage, again bool) error {
	repo := r.reader(t.ref.Context())
	doc, err := repo.Manifest(ctx, t.ref.Identifier())
	if err != nil {
		return at(StageBase, err)
	}
	plan, err := r.plan(ctx, t, repo, doc)
	if err != nil {
		return rebaseStage(fmt.Errorf("rebase %s: %w", t.text, err))
	}
	done.Current, done.Changes = plan.current, plan.changes
	switch {
	case plan.current && len(r.Tags) == 0:
		done.Ref = t.ref.Context().Digest(doc.Digest.String()).Name()
		r.Log.Info(t.text + ": is up to date")
		return nil
	case r.DryRun:
		if plan.current {
			done.Changes = []string{"is up to date, and would be tagged " + strings.Join(r.Tags, ", ")}
		}
		r.reportLeft(ctx, t, repo, plan)
		return nil
	}
	r.places.Vouch(t.ref.Context(), plan.blobs...)
	if done.Ref, err = r.push(ctx, t, plan, doc.Digest, again); err != nil {
		return err
	}
	_, digest, _ := strings.Cut(done.Ref, "@")
	r.Log.Info(fmt.Sprintf("%s: %s, %s", t.text, strings.Join(plan.moves, ", "), digest), "reference", done.Ref)
	r.reportLeft(ctx, t, repo, plan)
	return r.sign(ctx, t, plan, done.Ref)
}

// plan decides what becomes of a manifest or an index.
func (r *rebaseRun) plan(ctx context.Context, t rebaseTarget, repo *distribution.Repository, doc distribution.Document) (*rebasePlan, error) {
	isIndex, err := kindOf(doc)
	if err != nil {
		return nil, err
	}
	if isIndex {
		return r.planIndex(ctx, t, repo, doc)
	}
	one, err := r.readImage(ctx, repo, doc)
	if err != nil {
		return nil, err
	}
	rebased, err := r.rebaseImage(ctx, one, true)
	if err != nil {
		return nil, err
	}
	plan := &rebasePlan{content: publish.OfImage(rebased), current: rebased.Current}
	return plan, r.note(plan, t.text, one, rebased)
}

// note adds an image to the plan. Warnings begin with its name.
func (r *rebaseRun) note(plan *rebasePlan, image string, old *servedImage, rebased *builder.Rebased) error {
	digest, err := rebased.Digest()
	if err != nil {
		return err
	}
	plan.images = append(plan.images, digest)
	plan.blobs = append(plan.blobs, old.blobs...)
	for _, w := range rebased.Warnings {
		r.warn(image, w)
	}
	if rebased.Current {
		plan.moves = append(plan.moves, windowsName(old.OSVersion)+" up to date")
		return nil
	}
	plan.replaced = append(plan.replaced, old.Digest)
	plan.moves = append(plan.moves, moveText(old.OSVersion, osVersionOf(rebased)))
	plan.changes = append(plan.changes, rebased.Changes...)
	return nil
}

// push brings the result to the repository and moves the tags.
func (r *rebaseRun) push(ctx context.Context, t rebaseTarget, plan *rebasePlan, read v1.Hash, again bool) (ref string, err error) {
	sink, err := r.sink(t.ref.Context(), again)
	if err != nil {
		return "", at(StagePush, err)
	}
	tags := t.tags(r.RebaseOptions)
	prepared, err := publish.Prepare(ctx, plan.content, []publish.Sink{sink}, tags, publish.PushOptions{Report: r.reportUpload})
	if err != nil {
		return "", lostError(t.text, plan, pushError(fmt.Errorf("push %s: %w", t.text, err)))
	}
	defer func() { err = errors.Join(err, prepared.Close()) }()
	if _, ok := t.ref.(name.Tag); ok && slices.Contains(tags, t.ref.Identifier()) { // the tag that was read
		held, err := r.reader(t.ref.Context()).Head(ctx, t.ref.Identifier())
		if err != nil {
			return "", at(StagePush, err)
		}
		want, err := plan.content.Digest()
		if err != nil {
			return "", err
		}
		if held.Digest != read && held.Digest != want {
			return "", at(StagePush, &movedError{t.text, held.Digest})
		}
	}
	refs, err := prepared.Commit(ctx)
	if err != nil {
		return "", pushError(fmt.Errorf("push %s: %w", t.text, err))
	}
	return refs[0], nil
}

// lostError tells of a layer that the repository promised and does not have. It is one
// of the application, so nobody else has it either.
func lostError(image string, plan *rebasePlan, err error) error {
	var source *publish.SourceError
	var remote *base.RemoteError
	if !errors.As(err, &source) || errors.As(err, &remote) || !slices.Contains(plan.blobs, source.Layer) {
		return err
	}
	return at(StagePush, fmt.Errorf("push %s: its registry has lost the layer %s of the application; publish the image again", image, source.Layer))
}

// reportUpload tells of what takes time: layers that are sent.
func (r *rebaseRun) reportUpload(e publish.Event) {
	if e.Kind == publish.LayerStarted || e.Kind == publish.LayerFinished && e.How == publish.Uploaded {
		r.progress.report(e)
	}
}

// reader reads a repository, with one handshake for all its images.
func (r *rebaseRun) reader(repo name.Repository) *distribution.Repository {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.readers[repo.Name()]
	if !ok {
		found = r.network.Repository(repo, r.Keychain.For(repo.RegistryStr()), distribution.Pull)
		r.readers[repo.Name()] = found
	}
	return found
}

// sink writes a repository. A fresh one remembers nothing of where tags were.
func (r *rebaseRun) sink(repo name.Repository, fresh bool) (*publish.Registry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found, ok := r.sinks[repo.Name()]; ok && !fresh {
		return found, nil
	}
	made, err := publish.NewRegistry(repo, publish.RegistryOptions{
		Network: r.network, Keychain: r.Keychain.For(repo.RegistryStr()), Places: r.places,
		Nondistributable: r.Foreign,
	})
	if err == nil {
		r.sinks[repo.Name()] = made
	}
	return made, err
}

// tell writes the line of an image that failed, unless the whole run is that image or
// was interrupted.
func (r *rebaseRun) tell(ctx context.Context, done RebasedImage, only bool) {
	if done.Err == nil || only || ctx.Err() != nil {
		return
	}
	r.Log.Error(fmt.Sprintf("%s: failed: %v", done.Image, done.Err))
}

// rebaseStage tells images that cannot be rebased onto what was named from registries
// that cannot be read.
func rebaseStage(err error) error {
	var input *builder.InputError
	var foreign *foreignError
	var staged *Error
	switch {
	case errors.As(err, &staged):
		return at(staged.Stage, err)
	case errors.As(err, &input), errors.As(err, &foreign):
		return at(StageUsage, err)
	}
	return at(StageBase, err)
}
