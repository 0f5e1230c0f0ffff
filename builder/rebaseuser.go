package builder

import (
	"encoding/json"
	"fmt"
	"strings"
)

// user decides the account of the new image as value does, but never gives it more
// rights than it had: where the old base's account was no administrator and the
// new base's is one, the image keeps its own. The application was never tried with
// these rights, and nobody asked for them.
func (x *rebasing) user(m merger) mergeFunc {
	return func(old, own, next json.RawMessage) (json.RawMessage, error) {
		merged := m.value(old, own, next)
		if administers(own) || !administers(merged) {
			return merged, nil
		}
		x.warnings = append(x.warnings, fmt.Sprintf("The image keeps the user %s of its old base, since its new base runs as ContainerAdministrator. "+
			"Publish it again with --user if it needs another one.", shown(own)))
		return own, nil
	}
}

// administers says whether a container of an image with this user has all rights:
// Windows takes ContainerAdministrator where an image names nobody.
//
// https://learn.microsoft.com/en-us/virtualization/windowscontainers/manage-containers/container-security
func administers(user json.RawMessage) bool {
	name := textOf(user)
	if i := strings.LastIndexByte(name, '\\'); i >= 0 { // User Manager\ContainerAdministrator
		name = name[i+1:]
	}
	return name == "" || strings.EqualFold(name, containerAdmin)
}
