package layers

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// maxSecret is how large a text file may be to be searched for a key, in bytes.
const maxSecret = 64 << 10

// privateKey finds a PEM private key (RFC 7468) with data behind its label, in
// a file of its own or as a string with escaped line ends in JSON or code.
var privateKey = regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?:\s|\\[rn])+(?:Proc-Type:|[A-Za-z0-9+/]{16})`)

// holdsKey says whether a text holds a private key.
func holdsKey(text []byte) bool {
	return bytes.IndexByte(text, 0) < 0 && privateKey.Match(text)
}

// secretWarnings names the files that everybody who can pull the image could
// read a key from.
func secretWarnings(files []source, private []bool) []string {
	var out []string
	for i, f := range files {
		ext := strings.ToLower(path.Ext(f.rel))
		switch {
		case ext == ".pfx" || ext == ".p12":
			out = append(out, fmt.Sprintf("%s is packed: certificate stores hold private keys, and everybody who pulls the image can read it; mount it at run time instead", f.rel))
		case private[i]:
			out = append(out, fmt.Sprintf("%s is packed and holds a private key, which everybody who pulls the image can read; mount it at run time instead", f.rel))
		}
	}
	return out
}
