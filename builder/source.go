package builder

// Address returns where a browser finds the repository, without a user or a password:
// https in place of ssh. It is "" for what is no address on a network.
func (s Source) Address() string { return sourceURL(s.Remote) }
