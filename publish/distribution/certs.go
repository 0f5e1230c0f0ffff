package distribution

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// CertificateError says that a file of certificates or keys is of no use.
type CertificateError struct {
	File string
	Err  error
}

func (e *CertificateError) Error() string {
	return fmt.Sprintf("read the certificates of %s: %v", e.File, e.Err)
}

// Unwrap returns what is wrong with the file.
func (e *CertificateError) Unwrap() error { return e.Err }

var errNoCertificate = errors.New("it holds no certificate in PEM format (-----BEGIN CERTIFICATE-----)")

// maxCertificates bounds a file of certificates, in bytes. A bundle with all public
// authorities has less than a quarter of it.
const maxCertificates = 1 << 20

// certificates are what the folders say of one host.
type certificates struct {
	authorities []string // files
	pairs       []tls.Certificate
}

func (c certificates) empty() bool { return len(c.authorities)+len(c.pairs) == 0 }

// readCertificates reads what the folders have for a host. A folder that is not
// there, or that we may not look into, says nothing.
func readCertificates(dirs []string, host string) (certificates, error) {
	var found certificates
	name := folderName(host)
	if name == "" {
		return found, nil
	}
	names := []string{name}
	if hostname(host) == strings.Trim(host, "[]") {
		names = append(names, folderName(host+":443"))
	}
	for _, dir := range dirs {
		for _, name := range names {
			if err := found.read(filepath.Join(dir, name)); err != nil {
				return certificates{}, err
			}
		}
	}
	return found, nil
}

// folderName is the name of the folder for a host, or "" where none can be: a host
// that a server points to must not lead out of the folders.
func folderName(host string) string {
	if strings.Trim(host, ".") == "" || strings.ContainsAny(host, "/\\\x00") {
		return ""
	}
	if runtime.GOOS == "windows" {
		return strings.ReplaceAll(host, ":", "")
	}
	return host
}

// read adds the files of one folder.
func (c *certificates) read(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return &CertificateError{File: dir, Err: reason(err)}
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		base := strings.TrimSuffix(file, filepath.Ext(file))
		switch filepath.Ext(file) {
		case ".crt":
			c.authorities = append(c.authorities, file)
		case ".cert":
			pair, err := readPair(file, base+".key")
			if err != nil {
				return err
			}
			c.pairs = append(c.pairs, pair)
		case ".key":
			if _, err := os.Stat(base + ".cert"); errors.Is(err, fs.ErrNotExist) { //nolint:gosec // see folderName
				return &CertificateError{File: file, Err: fmt.Errorf("its certificate %s.cert is missing; authorities are named *.crt", base)}
			}
		}
	}
	return nil
}

// readPair reads a client certificate and its key.
func readPair(cert, key string) (tls.Certificate, error) {
	certText, err := readSmall(cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyText, err := readSmall(key)
	if errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, &CertificateError{File: cert, Err: fmt.Errorf("its key %s is missing; authorities are named *.crt", key)}
	}
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certText, keyText)
	if err != nil {
		return tls.Certificate{}, &CertificateError{File: cert + " and " + key, Err: err}
	}
	return pair, nil
}

// readSmall reads a file of certificates or a key.
func readSmall(file string) ([]byte, error) {
	info, err := os.Stat(file) //nolint:gosec // a host leads to no other folder: see folderName
	if err != nil {
		return nil, &CertificateError{File: file, Err: reason(err)}
	}
	if !info.Mode().IsRegular() {
		return nil, &CertificateError{File: file, Err: errors.New("it is no file")}
	}
	f, err := os.Open(file) //nolint:gosec // likewise
	if err != nil {
		return nil, &CertificateError{File: file, Err: reason(err)}
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxCertificates+1))
	if err != nil {
		return nil, &CertificateError{File: file, Err: reason(err)}
	}
	if len(text) > maxCertificates {
		return nil, &CertificateError{File: file, Err: fmt.Errorf("it has more than %d bytes", maxCertificates)}
	}
	return text, nil
}

// reason is an error of the file system without the path, which is told already.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
