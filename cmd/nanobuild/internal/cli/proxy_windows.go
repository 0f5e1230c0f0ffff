package cli

import "golang.org/x/sys/windows/registry"

// readSystemProxy returns the proxies that the user set in the system. Whatever
// cannot be read is not set.
func readSystemProxy() systemProxy {
	key, err := registry.OpenKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\Internet Settings`, registry.QUERY_VALUE)
	if err != nil {
		return systemProxy{}
	}
	defer key.Close()
	if enabled, _, err := key.GetIntegerValue("ProxyEnable"); err != nil || enabled == 0 {
		return systemProxy{}
	}
	server, _, err := key.GetStringValue("ProxyServer")
	if err != nil {
		return systemProxy{}
	}
	override, _, err := key.GetStringValue("ProxyOverride")
	if err != nil {
		override = ""
	}
	return parseSystemProxy(server, override)
}
