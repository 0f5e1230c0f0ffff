package cli

import "golang.org/x/sys/windows"

func isTerminal(fd uintptr) bool {
	var mode uint32
	return windows.GetConsoleMode(windows.Handle(fd), &mode) == nil
}

// hideInput keeps the console from showing what is typed; show ends that.
//
// https://learn.microsoft.com/windows/console/setconsolemode
func hideInput(fd uintptr) (show func() error, err error) {
	console := windows.Handle(fd)
	var old uint32
	if err := windows.GetConsoleMode(console, &old); err != nil {
		return nil, err
	}
	hidden := old &^ windows.ENABLE_ECHO_INPUT
	hidden |= windows.ENABLE_LINE_INPUT | windows.ENABLE_PROCESSED_INPUT
	if err := windows.SetConsoleMode(console, hidden); err != nil {
		return nil, err
	}
	return func() error { return windows.SetConsoleMode(console, old) }, nil
}
