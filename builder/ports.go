package builder

import (
	"slices"
	"strconv"
	"strings"
)

// parsePort reads "8080", "8080/tcp" or "53/udp" and returns it as images
// write it, "8080/tcp".
func parsePort(what, s string) (string, error) {
	number, proto, slash := strings.Cut(s, "/")
	if !slash {
		proto = "tcp"
	}
	proto = strings.ToLower(proto)
	n, ok := portNumber(number)
	if !ok || (proto != "tcp" && proto != "udp") {
		return "", input("Write a number from 1 to 65535, and /tcp or /udp behind it if need be, such as 8080 or 53/udp.",
			"%s %q is not a port.", what, s)
	}
	return strconv.Itoa(n) + "/" + proto, nil
}

// portNumber reads a decimal number from 1 to 65535.
func portNumber(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= 65535
}

func parsePorts(what string, texts []string) ([]string, error) {
	var out []string
	for _, t := range texts {
		p, err := parsePort(what, t)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}
