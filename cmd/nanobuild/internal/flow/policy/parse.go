package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest policy that is read, in bytes.
const MaxSize = 64 << 10

// Parse reads a policy in YAML, JSON included: a mapping of the keys of [Names] to a
// text, true or false, or a list of texts, on top of [Default]. It fails on any other
// key or value, on a key that is there twice, and on anchors and aliases, with line and
// column.
func Parse(content []byte) (Policy, Stated, error) {
	top, err := document(content)
	if err != nil {
		return Policy{}, nil, err
	}
	p := Default()
	seen := Stated{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if seen[key.Value] {
			return Policy{}, nil, at(key, fmt.Errorf("%s is there twice; leave one out", clip(key.Value)))
		}
		seen[key.Value] = true
		if err := p.set(key, value); err != nil {
			return Policy{}, nil, err
		}
	}
	return p, seen, nil
}

// document returns the mapping that the only document is.
func document(content []byte) (*yaml.Node, error) {
	if len(content) > MaxSize {
		return nil, fmt.Errorf("it has %d bytes, more than the %d of any policy", len(content), MaxSize)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var doc, more yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty, and an empty policy would let everything through; ask for something in it, such as key: cosign.pub")
	case err != nil:
		return nil, plain(err)
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, at(&more, errors.New("a second document begins; a policy is one"))
	case !errors.Is(err, io.EOF):
		return nil, plain(err)
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode || top.Anchor != "" || len(top.Content) == 0 {
		return nil, at(top, errors.New("a policy is a mapping of names to values, such as key: cosign.pub"))
	}
	return top, nil
}

// plain is an error of the YAML library without its own name in front.
func plain(err error) error {
	return errors.New("no YAML: " + strings.TrimPrefix(err.Error(), "yaml: "))
}

// at adds the place to an error.
func at(n *yaml.Node, err error) error {
	return fmt.Errorf("line %d, column %d: %w", n.Line, n.Column, err)
}

func (p *Policy) set(key, value *yaml.Node) error {
	if key.Kind != yaml.ScalarNode || key.Anchor != "" {
		return at(key, errors.New("a key is a plain name, such as require"))
	}
	for _, f := range fields() {
		if f.name != key.Value {
			continue
		}
		if bad, err := f.decode(p, value); err != nil {
			return at(bad, fmt.Errorf("%s: %w", f.name, err))
		}
		return nil
	}
	if near := nearest(key.Value, Names()); near != "" {
		return at(key, fmt.Errorf("there is no key %q; did you mean %s?", clip(key.Value), near))
	}
	return at(key, fmt.Errorf("there is no key %q; the keys are %s", clip(key.Value), strings.Join(Names(), ", ")))
}

// decode sets the field. It tells at which node an error is.
func (f field) decode(p *Policy, n *yaml.Node) (*yaml.Node, error) {
	switch to := f.at(p).(type) {
	case *bool:
		if !scalar(n, "!!bool") {
			return n, fmt.Errorf("it is true or false, and not %s", describe(n))
		}
		return n, n.Decode(to)
	case *string:
		*to = n.Value
		return n, f.text(n)
	case *[]string:
		return f.list(to, n)
	}
	return n, nil
}

func (f field) list(to *[]string, n *yaml.Node) (*yaml.Node, error) {
	if n.Kind != yaml.SequenceNode || n.Anchor != "" || len(n.Content) == 0 {
		return n, fmt.Errorf("it is a list of texts, and not %s; write each value on a line of its own behind -", describe(n))
	}
	for _, item := range n.Content {
		if err := f.text(item); err != nil {
			return item, err
		}
		*to = append(*to, item.Value)
	}
	return n, nil
}

// text checks a value that is a text. Of what YAML takes for a number or the like, it
// tells first what would be wrong with the text: quotes may not be all that is missing.
func (f field) text(n *yaml.Node) error {
	plain := n.Kind == yaml.ScalarNode && n.Anchor == "" && n.ShortTag() != "!!null"
	if !plain {
		return fmt.Errorf("it is a text, and not %s", describe(n))
	}
	if err := f.check(n.Value); err != nil || scalar(n, "!!str") {
		return err
	}
	return fmt.Errorf("it is a text, and %s is none for YAML; put it in quotes", describe(n))
}

// scalar tells whether a node is a value of a type of YAML's core schema
// (https://yaml.org/spec/1.2.2/#103-core-schema).
func scalar(n *yaml.Node, tag string) bool {
	return n.Kind == yaml.ScalarNode && n.Anchor == "" && n.ShortTag() == tag
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		return "an anchor or an alias"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q", clip(n.Value))
}
