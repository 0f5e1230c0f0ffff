package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/nanobuild/nanobuild/publish/sign"
)

const generateLong = `Makes a key to sign with, on the curve P-256, and its public key: cosign.key and
cosign.pub, as cosign reads and writes them. The private key is encrypted with the
password in COSIGN_PASSWORD, else with one that is asked for. Files that exist are
not overwritten.`

const generateExample = `  nanobuild generate-key-pair
  COSIGN_PASSWORD=… nanobuild generate-key-pair --output-key-prefix release`

func (a *app) generateKeyPair() *cobra.Command {
	var prefix string
	cmd := &cobra.Command{
		Use:     "generate-key-pair",
		Short:   "Make a key to sign with, as cosign reads it",
		Long:    generateLong,
		Example: generateExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runGenerate(cmd.Context(), prefix)
		},
	}
	cmd.Flags().StringVar(&prefix, "output-key-prefix", "cosign", "write `PREFIX`.key and PREFIX.pub")
	return cmd
}

func (a *app) runGenerate(ctx context.Context, prefix string) error {
	key, public := a.absolute(prefix+".key"), a.absolute(prefix+".pub")
	for _, file := range []string{key, public} {
		if _, err := os.Lstat(file); err == nil {
			return usageError{fmt.Errorf("%s exists, and what it signed could never be verified again without it; name others with --output-key-prefix", file)}
		}
	}
	if info, err := os.Stat(filepath.Dir(key)); err != nil || !info.IsDir() {
		return usageError{fmt.Errorf("there is no folder %s; make it first", filepath.Dir(key))}
	}
	password, err := a.newPassword(ctx)
	if err != nil {
		return err
	}
	private, pub, err := sign.GenerateKeyPair(password)
	if errors.Is(err, sign.ErrLeftOut) {
		return usageError{err}
	}
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if err := writeNew(key, private, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, pub, 0o644); err != nil {
		return errors.Join(err, os.Remove(key))
	}
	a.log.Info(fmt.Sprintf("wrote the private key to %s and the public key to %s", key, public))
	return nil
}

// writeNew writes a file that must not exist, whole or not at all.
func writeNew(file string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write a key: %w", err), os.Remove(file))
	}
	return nil
}
