package flow

import (
	"errors"
	"fmt"

	"github.com/nanobuild/nanobuild/publish"
)

// checkNames finds mistakes in the names that flags give, before anything runs.
func (r *run) checkNames() error {
	t := r.Targets
	for _, check := range []func() error{
		func() error { return each(t.Tags, publish.ParseTag) },
		func() error { return each(t.Tarballs, r.checkTarball) },
		func() error { return each(t.Layouts, r.checkLayout) },
		r.check,
		func() error { return noneTwice("--tarball", t.Tarballs) },
		func() error { return noneTwice("--oci-layout", t.Layouts) },
		r.checkRepo,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func each(values []string, check func(string) error) error {
	for _, v := range values {
		if err := check(v); err != nil {
			return err
		}
	}
	return nil
}

func noneTwice(flag string, values []string) error {
	seen := map[string]bool{}
	for _, v := range values {
		if seen[v] {
			return fmt.Errorf("%s %s is given twice", flag, v)
		}
		seen[v] = true
	}
	return nil
}

func (r *run) checkTarball(file string) error {
	switch {
	case file == "":
		return errors.New("--tarball is empty: name a file, or a folder with a slash at its end")
	case len(r.Projects) > 1 && !r.isFolder(file):
		return oneTarball(file, len(r.Projects))
	}
	return nil
}

func (r *run) checkLayout(place string) error {
	dir, tag := splitLayout(place)
	switch {
	case dir == "":
		return fmt.Errorf("--oci-layout %q names no folder", place)
	case len(r.Projects) > 1 && tag != "":
		return fmt.Errorf("--oci-layout %s gives one name to the images of %d projects, and each would replace the one before; leave the tag away: --oci-layout %s", place, len(r.Projects), dir)
	}
	return nil
}

func (r *run) checkRepo() error {
	repo := r.Targets.Repo
	switch {
	case repo == "":
		return nil
	case r.Targets.prefix():
		_, err := publish.ParsePrefix(repo)
		return err
	case len(r.Projects) > 1:
		return fmt.Errorf("--repo %[1]s names one repository for %[2]d projects; end it in / to put each under its own name: --repo %[1]s/", repo, len(r.Projects))
	}
	_, err := publish.ParseRepo(repo)
	return err
}
