package credentials

import "fmt"

// Error says that the configured source of a host's credentials could not be read.
type Error struct {
	Host   string
	Source string // the program and the file that names it, or the file alone
	Err    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("read the credentials of %s: %s: %v; repair or remove that, or set DOTNET_CONTAINER_PUSH_REGISTRY_UNAME and DOTNET_CONTAINER_PUSH_REGISTRY_PWORD", e.Host, e.Source, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// StoreError says that credentials could not be stored or removed.
type StoreError struct {
	Doing string // "store", "remove"
	Host  string
	Where string // the file, or the helper and the file
	Err   error
}

func (e *StoreError) Error() string {
	return fmt.Sprintf("%s the credentials of %s: %s: %v", e.Doing, e.Host, e.Where, e.Err)
}

func (e *StoreError) Unwrap() error { return e.Err }
