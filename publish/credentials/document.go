package credentials

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// object is a JSON object in the order of its text, so that a file keeps what
// this package does not know.
type object []member

type member struct {
	key   string
	value json.RawMessage
}

// parseObject reads one JSON object, or nothing, and refuses names that a reader
// of Docker's config would take for one another.
func parseObject(text []byte) (object, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, byteOrderMark))
	if len(text) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("is no JSON object")
	}
	var o object
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, jsonProblem(text, err)
		}
		m := member{key: fmt.Sprint(key)}
		if err := d.Decode(&m.value); err != nil {
			return nil, jsonProblem(text, err)
		}
		if seen[m.key] {
			return nil, fmt.Errorf("has %q twice", m.key)
		}
		seen[m.key] = true
		o = append(o, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, jsonProblem(text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("goes on after its JSON object")
	}
	return o, nil
}

// part reads the object that is the value of key; it is empty where there is none.
func (o object) part(key string) (object, error) {
	for _, m := range o {
		switch {
		case m.key == key && string(m.value) == "null":
			return nil, nil
		case m.key == key:
			part, err := parseObject(m.value)
			if err != nil {
				return nil, fmt.Errorf("%s %w", key, err)
			}
			return part, nil
		case strings.EqualFold(m.key, key):
			return nil, fmt.Errorf("has %q, which Docker reads as %q: correct it", m.key, key)
		}
	}
	return nil, nil
}

// with returns the object with the value of key set.
func (o object) with(key string, value json.RawMessage) object {
	o = slices.Clone(o)
	for i := range o {
		if o[i].key == key {
			o[i].value = value
			return o
		}
	}
	return append(o, member{key, value})
}

// MarshalJSON writes the members in their order, their values as they were read.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := marshal(m.key)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), m.value...)
	}
	return append(b, '}'), nil
}

// marshal is json.Marshal without the escapes that only web pages need.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// indented writes the object as Docker writes its config file.
func (o object) indented() ([]byte, error) {
	text, err := marshal(o)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, text, "", "\t")
	return b.Bytes(), err
}
