//go:build !windows

package cli

// readSystemProxy returns the zero value: here the environment names the proxies.
func readSystemProxy() systemProxy { return systemProxy{} }
