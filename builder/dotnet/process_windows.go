package dotnet

import (
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is the job of a command: dotnet starts compilers, npm and other
// children, and all of them are to end with it, even when this process is killed.
// https://learn.microsoft.com/windows/win32/procthread/job-objects
type group struct {
	cmd *exec.Cmd

	mu  sync.Mutex
	job windows.Handle // 0 before adopt and after release
}

func newGroup(cmd *exec.Cmd) *group {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	return &group{cmd: cmd}
}

func (g *group) adopt() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return fmt.Errorf("make a job for dotnet: %w", err)
	}
	g.job = job
	if err := g.limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE); err != nil {
		return err
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(g.cmd.Process.Pid))
	if err != nil {
		return fmt.Errorf("open the process of dotnet: %w", err)
	}
	err = windows.AssignProcessToJobObject(job, process)
	if err = errors.Join(err, windows.CloseHandle(process)); err != nil {
		return fmt.Errorf("put dotnet into its job: %w", err)
	}
	return nil
}

func (g *group) limit(flags uint32) error {
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: flags},
	}
	_, err := windows.SetInformationJobObject(g.job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		return fmt.Errorf("set the limits of dotnet's job: %w", err)
	}
	return nil
}

// interrupt sends Ctrl-Break: a process group of its own does not get Ctrl-C.
func (g *group) interrupt() error {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.cmd.Process.Pid)); err != nil {
		return g.kill() // no console
	}
	return nil
}

func (g *group) kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job == 0 {
		return g.cmd.Process.Kill()
	}
	if err := windows.TerminateJobObject(g.job, 1); err != nil {
		return fmt.Errorf("end the processes of dotnet: %w", err)
	}
	return nil
}

// release lets go of the job; what a normal end leaves behind (the compiler
// server, which makes the next build faster) may stay.
func (g *group) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job == 0 {
		return nil
	}
	err := errors.Join(g.limit(0), windows.CloseHandle(g.job))
	g.job = 0
	return err
}
