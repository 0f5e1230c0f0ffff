package builder

import "strings"

// The accounts that every Windows container has.
const (
	containerUser  = "ContainerUser"
	containerAdmin = "ContainerAdministrator"
)

// isLinuxUser reports whether a user means something to Linux only: a number,
// uid:gid, or the users of Linux images. Windows takes names alone.
func isLinuxUser(u string) bool {
	switch strings.ToLower(u) {
	case "root", "app":
		return true
	}
	return strings.Contains(u, ":") || strings.Trim(u, "0123456789") == ""
}

// isKnownUser reports whether every Windows base has the user.
func isKnownUser(u string) bool {
	return strings.EqualFold(u, containerUser) || strings.EqualFold(u, containerAdmin)
}

// checkUser refuses a user of Linux, and warns of one that the base may lack.
func checkUser(what, u string) (warning string, err error) {
	if isLinuxUser(u) {
		return "", input("Give ContainerUser, ContainerAdministrator or a user that the base has.",
			"%s %q is a user of Linux; Windows knows users by name only.", what, u)
	}
	if isKnownUser(u) {
		return "", nil
	}
	return what + " " + quote(u) + " must exist in the base image; a container whose user is unknown does not start.", nil
}
