//go:build !linux && !darwin

package cache_test

import (
	"errors"

	"github.com/nanobuild/nanobuild/layers/cache"
)

func limited(*cache.Cache) error { return errors.New("no limits here") }
