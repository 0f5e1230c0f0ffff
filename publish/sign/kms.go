//go:build !nosign

package sign

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
)

// kmsKey is a key in a KMS, which a program of its own speaks to.
type kmsKey struct {
	ref     string
	program plugin
	public  crypto.PublicKey
}

// openKMS asks the program of a KMS for the public key, of whatever kind that is. The reference, such as
// awskms:///alias/release, names the program: sigstore-kms-awskms on PATH.
//
// https://github.com/sigstore/sigstore/tree/main/pkg/signature/kms/cliplugin
func openKMS(ctx context.Context, ref string, env Environment) (*kmsKey, error) {
	parts := kmsReference.FindStringSubmatch(ref)
	if parts == nil {
		return nil, fmt.Errorf("open the key %s: what stands before :// names a program, and may have small letters, digits and dashes alone", ref)
	}
	p, err := findPlugin(parts[1], env)
	if err != nil {
		return nil, fmt.Errorf("open the key %s: %w", ref, err)
	}
	k := &kmsKey{ref: ref, program: p}
	if k.public, err = k.ask(ctx); err != nil {
		return nil, fmt.Errorf("open the key %s: %w", ref, err)
	}
	return k, nil
}

func (k *kmsKey) ask(ctx context.Context) (crypto.PublicKey, error) {
	answer, err := k.call(ctx, nil, &common.MethodArgs{
		MethodName: common.PublicKeyMethodName,
		PublicKey:  &common.PublicKeyArgs{PublicKeyOptions: &common.PublicKeyOptions{}},
	})
	if err != nil {
		return nil, err
	}
	if answer.PublicKey == nil {
		return nil, k.program.damaged()
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(answer.PublicKey.PublicKeyPEM)
	if err != nil {
		return nil, k.program.damaged()
	}
	return public, nil
}

// sign has the KMS sign a message.
func (k *kmsKey) sign(ctx context.Context, message []byte) ([]byte, error) {
	answer, err := k.call(ctx, message, &common.MethodArgs{
		MethodName:  common.SignMessageMethodName,
		SignMessage: &common.SignMessageArgs{SignOptions: &common.SignOptions{}},
	})
	if err == nil && (answer.SignMessage == nil || len(answer.SignMessage.Signature) == 0) {
		err = k.program.damaged()
	}
	if err != nil {
		return nil, fmt.Errorf("use the key %s: %w", k.ref, err)
	}
	return answer.SignMessage.Signature, nil
}

func (k *kmsKey) call(ctx context.Context, message []byte, args *common.MethodArgs) (*common.PluginResp, error) {
	answer, err := k.program.run(ctx, message, common.PluginArgs{
		InitOptions: &common.InitOptions{ProtocolVersion: common.ProtocolVersion, KeyResourceID: keyOf(k.ref), HashFunc: crypto.SHA256, RPCOptions: &common.RPCOptions{}},
		MethodArgs:  args,
	})
	if err == nil && answer.ErrorMessage != "" {
		err = errors.New(k.program.name + " says: " + oneLine(answer.ErrorMessage, maxSaid))
	}
	return answer, err
}
