package dotnet

import (
	"fmt"
	"io"
	"strings"
)

// ReadRuntime reads the content of an X.runtimeconfig.json. It fails on content
// that is no such file, and on more than 1 MiB.
func ReadRuntime(r io.Reader) (Runtime, error) {
	raw, err := io.ReadAll(io.LimitReader(r, largestConfig+1))
	if err != nil {
		return Runtime{}, err
	}
	if len(raw) > largestConfig {
		return Runtime{}, fmt.Errorf("it has more than %d bytes", largestConfig)
	}
	return parseRuntimeConfig(raw)
}

// Version returns the version of .NET, as far as it is known: that of the
// runtime, else of another framework of Microsoft's, else the target framework.
func (r Runtime) Version() string {
	for _, prefix := range []string{"Microsoft.NETCore.App", "Microsoft."} {
		for _, f := range r.Frameworks {
			if strings.HasPrefix(f.Name, prefix) && f.Version != "" {
				return f.Version
			}
		}
	}
	return r.TFM
}
