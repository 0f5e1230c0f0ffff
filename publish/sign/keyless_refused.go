package sign

import (
	"fmt"
	"net/http"
)

// LogRefusedError says that a transparency log did not take an entry because of its size. What was signed before it remains.
type LogRefusedError struct {
	Log     string // its address
	Bytes   int64  // of the entry as it was sent
	Status  int    // of the answer; 0 where the log closed the connection
	Message string // what the log said; may be ""
}

func (e *LogRefusedError) Error() string {
	why := "it closed the connection"
	if e.Status != 0 {
		why = fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Message != "" {
		why += ": " + e.Message
	}
	return fmt.Sprintf("the transparency log %s refused an entry of %d bytes (%s)\n"+
		"attest less: --attest-sbom=false leaves the SBOM out, and --sbom-file writes it to a file all the same", e.Log, e.Bytes, why)
}
