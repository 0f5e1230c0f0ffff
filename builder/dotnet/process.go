package dotnet

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"time"
)

// graceTime is how long dotnet may take to end after an interrupt. It needs a
// tenth of a second; its children may need more.
const graceTime = 10 * time.Second

// command is one run of an outside program.
type command struct {
	program string
	args    []string
	dir     string
	env     []string
	grace   time.Duration // see graceTime
}

// run starts the program in a process group (on Windows: a job) of its own and
// waits for its end. When ctx ends first, the group is interrupted, given
// its time of grace, and killed; then the error is ctx's cause. Otherwise it returns the
// exit code, which is -1 after a signal.
func (c command) run(ctx context.Context, out *output) (exitCode int, err error) {
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	stdout, stderr := &stream{out: out}, &stream{out: out}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	// A child that outlives dotnet may hold the pipes: do not wait for it.
	cmd.WaitDelay = c.grace

	if ctx.Err() != nil {
		return -1, context.Cause(ctx)
	}
	// Linux counts the thread that starts a child as its parent (endWithParent):
	// it must not end before the child does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	group := newGroup(cmd)
	cmd.Cancel = group.interrupt
	if err := cmd.Start(); err != nil {
		return -1, errors.Join(err, group.release())
	}
	if err := group.adopt(); err != nil {
		return -1, errors.Join(err, group.kill(), ignoreExit(cmd.Wait()), group.release())
	}
	err = ignoreExit(cmd.Wait())
	stdout.flush()
	stderr.flush()
	if ctx.Err() != nil {
		return -1, errors.Join(context.Cause(ctx), group.kill(), group.release())
	}
	return cmd.ProcessState.ExitCode(), errors.Join(err, group.release())
}

// ignoreExit drops what the exit code says already.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}
