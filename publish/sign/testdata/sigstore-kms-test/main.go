// Program sigstore-kms-test stands for the program of a KMS: it signs with the key in a
// file, as the protocol of sigstore's plugins has it. The key's name may ask for
// mischief instead.
//
// https://github.com/sigstore/sigstore/tree/main/pkg/signature/kms/cliplugin
package main

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"
)

// key implements the methods of a KMS.
type key struct{ signature.SignerVerifier }

var errUnknown = errors.New("not a method of this test")

func (key) CreateKey(context.Context, string) (crypto.PublicKey, error) { return nil, errUnknown }

func (key) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return nil, nil, errUnknown
}

func (key) SupportedAlgorithms() []string { return nil }

func (key) DefaultAlgorithm() string { return "" }

func main() {
	if err := run(); err != nil {
		_ = handler.WriteErrorResponse(os.Stdout, err)
		os.Exit(1)
	}
}

func run() error {
	args, err := handler.GetPluginArgs(os.Args)
	if err != nil {
		return err
	}
	if args.InitOptions.ProtocolVersion != common.ProtocolVersion || os.Args[1] != common.ProtocolVersion {
		return fmt.Errorf("the protocol %s is not known", args.InitOptions.ProtocolVersion)
	}
	file, mischief, _ := strings.Cut(args.InitOptions.KeyResourceID, "?")
	if do(mischief, args.MethodName) {
		return nil
	}
	private, err := load(file)
	if err != nil {
		return err
	}
	signer, err := signature.LoadDefaultSignerVerifier(private)
	if err != nil {
		return err
	}
	_, err = handler.Dispatch(os.Stdout, os.Stdin, args, key{signer})
	return err
}

func load(file string) (crypto.PrivateKey, error) {
	if os.Getenv("TEST_KMS_PIN") != "1234" {
		return nil, errors.New("the PIN is\n\x1b[31mwrong")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return cryptoutils.UnmarshalPEMToPrivateKey(text, cryptoutils.SkipPassword)
}

// do does what no program should, and tells whether it did.
func do(mischief, method string) bool {
	signs := method == common.SignMessageMethodName
	switch {
	case mischief == "hang":
		time.Sleep(time.Minute)
	case mischief == "empty":
		fmt.Print("{}")
	case mischief == "noise":
		fmt.Print("Hello")
	case mischief == "complaint":
		fmt.Fprintln(os.Stderr, "no route to the KMS")
	case mischief == "environ":
		var names []string
		for _, pair := range os.Environ() {
			if name, _, _ := strings.Cut(pair, "="); !strings.EqualFold(name, "SystemRoot") { // which Go adds on Windows
				names = append(names, name)
			}
		}
		slices.Sort(names)
		fmt.Fprintln(os.Stderr, strings.Join(names, " "))
	case mischief == "flood":
		_, _ = io.Copy(os.Stdout, io.LimitReader(zeros{}, 8<<20))
	case mischief == "nosignature" && signs:
		fmt.Print(`{"signMessage":{}}`)
	case mischief == "wrong" && signs:
		_ = json.NewEncoder(os.Stdout).Encode(common.PluginResp{SignMessage: &common.SignMessageResp{Signature: []byte("AAAA")}})
	default:
		return false
	}
	return true
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
