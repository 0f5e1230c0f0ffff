package flow

// selfContained is what the user says, or nil.
func (o DotnetOptions) selfContained() *bool {
	if o.SelfContained == "" {
		return nil
	}
	return new(o.SelfContained == "true")
}
