//go:build !nosign

package flow

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow/policy"
)

// ReadPolicy reads a policy. Relative names of files in it start at its own folder, so
// that a policy and the key beside it can be moved together. It returns which keys the file
// has, too. It fails in [StageUsage].
func ReadPolicy(file string, d Deps) (policy.Policy, policy.Stated, error) {
	raw, err := readSmall("--policy", file, d, policy.MaxSize)
	if err != nil {
		return policy.Policy{}, nil, at(StageUsage, err)
	}
	p, stated, err := policy.Parse(raw)
	if err != nil {
		return policy.Policy{}, nil, at(StageUsage, fmt.Errorf("--policy %s: %w", file, err))
	}
	for _, name := range []*string{&p.Key, &p.TrustedRoot} {
		if *name != "" && !filepath.IsAbs(*name) && !strings.Contains(*name, "://") {
			*name = filepath.Join(filepath.Dir(file), *name)
		}
	}
	return p, stated, nil
}
