package lint

import (
	"fmt"
	"strings"
)

// mostAlike is how many findings of one kind a report lists.
const mostAlike = 10

// kindOf is what makes findings alike.
type kindOf struct {
	assertion int
	class     Class
	warning   bool
}

// collector gathers findings, and keeps reports about hostile input short.
type collector struct {
	list   []Finding
	counts map[kindOf]int
	kinds  []kindOf
	faults int // how many are no warnings
}

func newCollector() *collector { return &collector{counts: map[kindOf]int{}} }

func (c *collector) add(f Finding) {
	k := kindOf{f.Assertion, f.Class, f.Warning}
	if c.counts[k] == 0 {
		c.kinds = append(c.kinds, k)
	}
	c.counts[k]++
	if !f.Warning {
		c.faults++
	}
	if c.counts[k] <= mostAlike {
		f.Path, f.Message = clip(f.Path), clip(f.Message)
		c.list = append(c.list, f)
	}
}

// addf adds a finding about no entry in particular.
func (c *collector) addf(assertion int, class Class, format string, args ...any) {
	c.add(Finding{Assertion: assertion, Class: class, Message: fmt.Sprintf(format, args...)})
}

// findings returns the list, with a line for each kind that was cut.
func (c *collector) findings() []Finding {
	list := c.list
	for _, k := range c.kinds {
		if more := c.counts[k] - mostAlike; more > 0 {
			list = append(list, Finding{Assertion: k.assertion, Class: k.class, Warning: k.warning, Message: fmt.Sprintf("and %d more like this", more)})
		}
	}
	return list
}

// clip keeps foreign text readable.
func clip(s string) string {
	const most = 300 // bytes
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
