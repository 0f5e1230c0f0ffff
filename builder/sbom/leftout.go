//go:build nosign

package sbom

import "errors"

// HasCycloneDX says whether this program writes CycloneDX.
const HasCycloneDX = false

// CycloneDX fails: the small program, without signing, writes SPDX alone.
func (d *Document) CycloneDX(Contents) ([]byte, error) {
	return nil, errors.New("this program writes no CycloneDX")
}
