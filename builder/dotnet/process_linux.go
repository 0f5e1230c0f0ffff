package dotnet

import "syscall"

// endWithParent has Linux interrupt the program when nanobuild is killed in a
// way it cannot answer (SIGKILL, out of memory).
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
