// Command nanobuild publishes .NET applications as Windows container images,
// without a Docker daemon and without a Windows machine.
package main

import (
	"os"

	"github.com/nanobuild/nanobuild/cmd/nanobuild/internal/cli"
)

// version is set by the linker in releases.
var version string

func main() {
	ctx, stop := cli.Signals()
	code := cli.Run(ctx, cli.OS(version), os.Args[1:])
	stop()
	os.Exit(code)
}
