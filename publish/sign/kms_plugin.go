//go:build !nosign

package sign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/common"
)

// plugin is the program of a KMS.
type plugin struct {
	name    string
	file    string
	environ []string
	workDir string
}

// How long a program may take for one question, and to end when it is told to. A KMS
// answers within a second, and some ask their user first.
const (
	pluginTime = 2 * time.Minute
	pluginEnd  = 5 * time.Second
)

// maxPluginText bounds what a program says, in bytes.
const maxPluginText = 1 << 20

// findPlugin finds the program for a scheme on the PATH of env. The library's own
// client looks at that of this process, and dies where a program answers nothing.
func findPlugin(scheme string, env Environment) (plugin, error) {
	name := "sigstore-kms-" + scheme
	file := name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	for _, folder := range filepath.SplitList(env.path()) {
		if !filepath.IsAbs(folder) {
			continue // what lies where the build runs is nobody's choice
		}
		found := filepath.Join(folder, file)
		if info, err := os.Stat(found); err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
			return plugin{name: name, file: found, environ: withoutSecrets(env.Environ), workDir: env.WorkDir}, nil
		}
	}
	return plugin{}, fmt.Errorf("the program %s is not on PATH; install it, or name a file with a key, or env://NAME", name)
}

// path returns PATH, whose name has any case on Windows.
func (e Environment) path() (path string) {
	for _, pair := range e.Environ {
		if k, v, ok := strings.Cut(pair, "="); ok && (k == "PATH" || runtime.GOOS == "windows" && strings.EqualFold(k, "PATH")) {
			path = v
		}
	}
	return path
}

// run asks the program one question. What it says besides is part of an error alone.
func (p plugin) run(ctx context.Context, message []byte, args common.PluginArgs) (*common.PluginResp, error) {
	ctx, enough := context.WithTimeoutCause(ctx, pluginTime, fmt.Errorf("%s did not answer within %d minutes", p.name, pluginTime/time.Minute))
	defer enough()
	text, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	//nolint:gosec // the user names the program by the key
	cmd := exec.CommandContext(ctx, p.file, common.ProtocolVersion, string(text))
	cmd.Env, cmd.Dir, cmd.WaitDelay = p.environ, p.workDir, pluginEnd
	out, complaints := &bounded{}, &bounded{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(message), out, complaints
	failed := cmd.Run()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	// The protocol has no use for the status of its end.
	var answer common.PluginResp
	if err := json.Unmarshal(out.Bytes(), &answer); err == nil {
		return &answer, nil
	}
	if said := oneLine(complaints.String(), maxSaid); said != "" {
		return nil, fmt.Errorf("%s says: %s", p.name, said)
	}
	if failed != nil {
		return nil, fmt.Errorf("run %s: %w", p.file, failed)
	}
	return nil, p.damaged()
}

func (p plugin) damaged() error {
	return errors.New("what " + p.name + " answered is not what a program for sigstore's keys answers; check that it speaks the protocol " + common.ProtocolVersion)
}

// keyOf returns what stands behind the scheme.
func keyOf(ref string) string {
	_, key, _ := strings.Cut(ref, "://")
	return key
}

// bounded keeps the start of what is written.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxPluginText - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// maxSaid is how much of a program's message is shown, in bytes.
const maxSaid = 400
