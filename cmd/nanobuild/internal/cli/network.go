package cli

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/flow"
	"github.com/nanobuild/nanobuild/publish/distribution"
)

// networkFlags are the flags about registries and the way to them, as the command
// line gives them.
type networkFlags struct {
	insecure      []string
	skipVerify    []string
	caFiles       []string
	registryMap   []string
	chunkSize     string
	skipPushCheck bool
}

// addNetworkFlags adds those of every command that speaks to registries.
func addNetworkFlags(flags *pflag.FlagSet, n *networkFlags) {
	flags.StringArrayVar(&n.insecure, "insecure", nil, "`HOST` may be spoken to over plain http (repeatable; loopback always may)")
	flags.StringArrayVar(&n.skipVerify, "insecure-skip-tls-verify", nil, "`HOST` may have any certificate (repeatable)")
	flags.StringArrayVar(&n.caFiles, "ca-file", nil, "trust the authorities in `FILE` too, PEM format (repeatable)")
}

// addPullFlags adds those of commands that read bases or other images.
func addPullFlags(flags *pflag.FlagSet, n *networkFlags) {
	flags.StringArrayVar(&n.registryMap, "registry-map", nil, "read `HOST/PATH=HOST/PATH` from its mirror first, such as mcr.microsoft.com=registry.example.com/mcr (repeatable)")
}

// addPushFlags adds those of commands that push.
func addPushFlags(flags *pflag.FlagSet, n *networkFlags) {
	addUploadFlags(flags, n)
	flags.BoolVar(&n.skipPushCheck, "skip-push-check", false, "do not ask the registry for the right to push before the work begins")
}

// addUploadFlags adds those of commands that may have to send blobs.
func addUploadFlags(flags *pflag.FlagSet, n *networkFlags) {
	flags.StringVar(&n.chunkSize, "upload-chunk-size", "0", "largest `SIZE` of one upload request, such as 50MB; 0 sends a blob in one, as long as nothing refuses that")
}

// networkDeps gives a use case what the flags say about the network: the options,
// and the transport among its dependencies.
func (a *app) networkDeps(n *networkFlags, o *flow.NetworkOptions) (flow.Deps, error) {
	chunk, err := parseSize(n.chunkSize)
	if err != nil {
		return flow.Deps{}, usageError{fmt.Errorf("--upload-chunk-size %w", err)}
	}
	for _, host := range n.skipVerify {
		if err := flow.CheckHost("--insecure-skip-tls-verify", host); err != nil {
			return flow.Deps{}, usageError{err}
		}
	}
	*o = flow.NetworkOptions{
		Insecure:  append(append([]string{}, n.insecure...), a.insecureRegistries()...),
		ChunkSize: chunk, SkipPushCheck: n.skipPushCheck, RegistryMap: n.registryMap,
	}
	deps := a.deps(a.log)
	deps.Transport, err = a.transport(n)
	return deps, err
}

// transport is that of the process, with the certificates that flags and folders
// name.
func (a *app) transport(n *networkFlags) (http.RoundTripper, error) {
	for _, secret := range proxySecrets(a.Environ) {
		a.log.secrets.Add(secret)
	}
	o := distribution.TLSOptions{CertsDirs: a.CertsDirs, SkipVerify: isOneOf(n.skipVerify)}
	for _, file := range n.caFiles {
		o.CAFiles = append(o.CAFiles, a.absolute(file))
	}
	base := a.Transport
	if base == nil {
		base = &http.Transport{}
	}
	transport, err := distribution.NewTransport(base, o)
	if err != nil {
		return nil, usageError{fmt.Errorf("--ca-file: %w", err)}
	}
	return transport, nil
}

func isOneOf(hosts []string) func(string) bool {
	return func(host string) bool {
		return slices.ContainsFunc(hosts, func(h string) bool { return distribution.SameHost(h, host) })
	}
}

// insecureRegistries are the hosts that the variables of the .NET SDK allow plain
// http for. What is no host there is passed over, as the SDK does.
//
// https://github.com/dotnet/sdk-container-builds/blob/main/docs/RegistryAuthentication.md#using-insecure-registries
func (p Process) insecureRegistries() []string {
	var hosts []string
	for _, v := range []variable{envSDKInsecure, envInsecure} {
		for _, host := range strings.FieldsFunc(p.getenv(v), func(r rune) bool { return r == ',' || r == ';' }) {
			if host = strings.TrimSpace(host); flow.CheckHost("", host) == nil {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts
}

// minChunk is the smallest part of an upload, in bytes: more requests would take
// longer than what they bring.
const minChunk = 1 << 20

// sizeUnits are those of --upload-chunk-size, in bytes.
var sizeUnits = map[string]int64{
	"": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}

// parseSize reads a size such as 50MB, 64MiB or a number of bytes. 0 and "" are no
// limit.
func parseSize(text string) (int64, error) {
	text = strings.TrimSpace(text)
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit, known := sizeUnits[strings.ToLower(strings.TrimSpace(text[len(number):]))]
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && known && n > math.MaxInt64/unit:
		return 0, fmt.Errorf("%s is too large", text)
	case err != nil, !known, n < 0:
		return 0, fmt.Errorf("%q is no size: give a number of bytes, or one with kB, MB, GB, KiB, MiB or GiB, such as 50MB", text)
	case n > 0 && n*unit < minChunk:
		return 0, fmt.Errorf("%s is too small: 1MiB is the least", text)
	}
	return n * unit, nil
}

// certsDirs are the folders in which Docker, Podman and others look for the
// certificates of registries.
//
// https://docs.docker.com/engine/security/certificates/
// https://github.com/containers/image/blob/master/docs/containers-certs.d.5.md
func (p Process) certsDirs() []string {
	dirs := []string{"/etc/docker/certs.d", "/etc/containers/certs.d"}
	if runtime.GOOS == "windows" {
		dirs = nil
		if data := p.getenv(envProgramData); data != "" {
			dirs = append(dirs, filepath.Join(data, "docker", "certs.d"))
		}
	}
	if p.Home != "" {
		dirs = append(dirs, filepath.Join(p.Home, ".docker", "certs.d"), filepath.Join(p.Home, ".config", "containers", "certs.d"))
	}
	return dirs
}
