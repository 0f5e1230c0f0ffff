package builder

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// listening is where a service will listen, as far as its configuration says.
type listening struct {
	by        string // what decides: a variable, or a key of a settings file
	addresses []address
}

// address is one address of a service.
type address struct {
	text  string // as it is written
	port  int    // 0 when it has none, or takes any that is free
	local bool   // only programs in the same container reach it
}

// listen finds where Kestrel listens. sources come with the strongest first.
// Its endpoints win over "urls", and those over the ports alone, which .NET
// before 8 does not know.
// https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/endpoints
func listen(sources []settings, knowsPorts bool) listening {
	if l := endpoints(sources); l.by != "" {
		return l
	}
	if value, by := find(sources, "urls"); value != "" {
		return listening{by, parseAddresses(value)}
	}
	if !knowsPorts {
		return listening{}
	}
	plain, by := find(sources, "http_ports")
	secure, bySecure := find(sources, "https_ports")
	if plain == "" {
		by = bySecure
	}
	if plain+secure == "" {
		return listening{}
	}
	return listening{by, append(parsePortList("http", plain), parsePortList("https", secure)...)}
}

// find returns the value of a key in the strongest source that has it, and
// what decides. A source that has it empty hides those behind.
func find(sources []settings, key string) (value, by string) {
	for _, s := range sources {
		if v, ok := s.values[key]; ok {
			return v, s.describe(key)
		}
	}
	return "", ""
}

const endpointsKey = "kestrel:endpoints:"

// endpoints returns Kestrel's named endpoints. Each source may add some, and
// replaces the address of those that weaker sources name.
func endpoints(sources []settings) listening {
	urls := map[string]string{}
	var by string
	for _, s := range sources {
		for key, value := range s.values {
			rest, ok := strings.CutPrefix(key, endpointsKey)
			name, isURL := strings.CutSuffix(rest, ":url")
			if !ok || !isURL || strings.Contains(name, ":") {
				continue
			}
			if _, known := urls[name]; !known {
				urls[name] = value
			}
			if by == "" {
				by = s.describe(strings.TrimSuffix(endpointsKey, ":"))
			}
		}
	}
	l := listening{by: by}
	for _, name := range slices.Sorted(maps.Keys(urls)) {
		l.addresses = append(l.addresses, parseAddresses(urls[name])...)
	}
	return l
}

func parseAddresses(list string) []address {
	var out []address
	for text := range strings.SplitSeq(list, ";") {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, parseAddress(text))
		}
	}
	return out
}

// parseAddress reads an address as Kestrel does: http://host:port/path, where
// the host may be *, + or any name that is no IP address, for all interfaces.
func parseAddress(text string) address {
	a := address{text: text}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return a
	}
	lower := strings.ToLower(rest)
	if strings.HasPrefix(lower, "unix:") || strings.HasPrefix(lower, "pipe:") {
		a.local = true
		return a
	}
	rest, _, _ = strings.Cut(rest, "/")
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.Trim(rest, "[]"), "80"
		if strings.EqualFold(scheme, "https") {
			port = "443"
		}
	}
	if n, ok := portNumber(port); ok {
		a.port = n
	}
	ip, err := netip.ParseAddr(host)
	a.local = strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
	return a
}

// parsePortList reads "8080;8081", as HTTP_PORTS has it.
func parsePortList(scheme, list string) []address {
	var out []address
	for text := range strings.SplitSeq(list, ";") {
		if n, ok := portNumber(strings.TrimSpace(text)); ok {
			out = append(out, address{text: scheme + "://*:" + strconv.Itoa(n), port: n})
		}
	}
	return out
}

// ports returns what others can reach, such as "8080/tcp".
func (l listening) ports() []string {
	var out []string
	for _, a := range l.addresses {
		if p := strconv.Itoa(a.port) + "/tcp"; a.port != 0 && !a.local && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
