package sbom

import (
	"context"
	"crypto/sha1" //nolint:gosec // SPDX demands it beside a better one
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// mostReaders bounds the files that are read at a time.
const mostReaders = 8

// sums are the checksums of a file, in lower-case hexadecimal.
type sums struct {
	sha1, sha256 string
}

// sumFiles returns the checksums of the files, in their order.
func sumFiles(ctx context.Context, files []File) ([]sums, error) {
	out := make([]sums, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(runtime.GOMAXPROCS(0), mostReaders))
	for i, f := range files {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			out[i], err = sumFile(f)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// sumFile reads a file in one pass, and never holds it.
func sumFile(f File) (s sums, err error) {
	content, err := f.Open()
	if err != nil {
		return sums{}, fmt.Errorf("read %s: %w", f.Path, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	weak, strong := sha1.New(), sha256.New() //nolint:gosec // see the import
	if _, err := io.Copy(io.MultiWriter(weak, strong), content); err != nil {
		return sums{}, fmt.Errorf("read %s: %w", f.Path, err)
	}
	return sums{sha1: hex.EncodeToString(weak.Sum(nil)), sha256: hex.EncodeToString(strong.Sum(nil))}, nil
}
