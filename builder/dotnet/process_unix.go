//go:build unix

package dotnet

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// group is the process group of a command: dotnet starts compilers, npm and
// other children, and all of them are to end with it.
type group struct{ cmd *exec.Cmd }

func newGroup(cmd *exec.Cmd) *group {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	return &group{cmd: cmd}
}

func (g *group) adopt() error { return nil }

// interrupt sends SIGINT, never SIGTERM: dotnet answers that with exit code 0.
func (g *group) interrupt() error { return g.signal(syscall.SIGINT) }

func (g *group) kill() error { return g.signal(syscall.SIGKILL) }

// release lets go of the group; what a normal end leaves behind (the compiler
// server, which makes the next build faster) may stay.
func (g *group) release() error { return nil }

func (g *group) signal(s syscall.Signal) error {
	err := syscall.Kill(-g.cmd.Process.Pid, s)
	if err == nil || errors.Is(err, syscall.ESRCH) {
		return nil // nobody is left
	}
	return fmt.Errorf("send %v to the processes of dotnet: %w", s, err)
}
