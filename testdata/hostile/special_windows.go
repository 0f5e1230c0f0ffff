package hostile

import "testing"

// Pipe skips the test: a folder of Windows holds no named pipes.
func Pipe(t testing.TB, _ string) { t.Skip("a folder of Windows holds no named pipes") }

// Socket skips the test: a folder of Windows holds no sockets.
func Socket(t testing.TB, _ string) { t.Skip("a folder of Windows holds no sockets") }
