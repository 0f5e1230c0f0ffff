package flow

// outcome is how a step ended that others wait for.
type outcome struct {
	done chan struct{}
	err  *error
}

func newOutcome() outcome { return outcome{done: make(chan struct{}), err: new(error)} }

// end tells those who wait; it is called once.
func (o outcome) end(err error) {
	*o.err = err
	close(o.done)
}

// wait waits for the end.
func (o outcome) wait() error {
	<-o.done
	return *o.err
}
