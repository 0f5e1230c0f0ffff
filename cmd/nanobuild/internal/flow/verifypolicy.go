//go:build !nosign

package flow

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

// ReadPolicy reads a policy. Relative names of files in it start at its own folder, so
// that a policy and the key beside it can be moved together. It fails in [StageUsage].
func ReadPolicy(file string, d Deps) (policy.Policy, error) {
	raw, err := readSmall("--policy", file, d, policy.MaxSize)
	if err != nil {
		return policy.Policy{}, at(StageUsage, err)
	}
	p, err := policy.Parse(raw)
	if err != nil {
		return policy.Policy{}, at(StageUsage, fmt.Errorf("--policy %s: %w", file, err))
	}
	for _, name := range []*string{&p.Key, &p.TrustedRoot} {
		if *name != "" && !filepath.IsAbs(*name) && !strings.Contains(*name, "://") {
			*name = filepath.Join(filepath.Dir(file), *name)
		}
	}
	return p, nil
}
