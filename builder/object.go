package builder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// object is a JSON object whose members keep their order and whose values keep
// their bytes, so that what is not edited is written back as it was read.
type object struct {
	members []member
	places  map[string]int // of keys in members; nil where there are few
}

// manyMembers is how many members make looking through all of them slow.
const manyMembers = 64

type member struct {
	key   string
	value json.RawMessage
}

// parseObject reads one JSON object. Of members with the same key the last
// counts, as in most JSON readers. Absent input and null give an empty object.
func parseObject(raw []byte) (*object, error) {
	o := &object{}
	if isNull(raw) {
		return o, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil {
		return nil, unexpected(err)
	} else if t != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, unexpected(err)
		}
		key, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("unexpected %v instead of a key", t)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("read %q: %w", key, unexpected(err))
		}
		o.set(key, value)
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, unexpected(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the JSON object")
	}
	return o, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func isNull(raw []byte) bool {
	t := bytes.TrimSpace(raw)
	return len(t) == 0 || bytes.Equal(t, []byte("null"))
}

// get returns the value of key, nil if there is none.
func (o *object) get(key string) json.RawMessage {
	if i := o.place(key); i >= 0 {
		return o.members[i].value
	}
	return nil
}

// place returns where the member with the key is, -1 if there is none.
func (o *object) place(key string) int {
	if len(o.members) < manyMembers {
		return slices.IndexFunc(o.members, func(m member) bool { return m.key == key })
	}
	if o.places == nil {
		o.places = map[string]int{}
		for i, m := range o.members {
			o.places[m.key] = i
		}
	}
	if i, ok := o.places[key]; ok {
		return i
	}
	return -1
}

// set replaces the value of key in its place, or adds it at the end.
func (o *object) set(key string, value json.RawMessage) {
	if i := o.place(key); i >= 0 {
		o.members[i].value = value
		return
	}
	if o.places != nil {
		o.places[key] = len(o.members)
	}
	o.members = append(o.members, member{key, value})
}

// put sets key to the JSON of v.
func (o *object) put(key string, v any) error {
	raw, err := encode(v)
	if err != nil {
		return fmt.Errorf("write %q: %w", key, err)
	}
	o.set(key, raw)
	return nil
}

// drop removes key.
func (o *object) drop(key string) {
	if i := o.place(key); i >= 0 {
		o.members = slices.Delete(o.members, i, i+1)
		o.places = nil
	}
}

// bytes returns the object as JSON.
func (o *object) bytes() (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o.members {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := encode(m.key)
		if err != nil {
			return nil, fmt.Errorf("write key %q: %w", m.key, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// list returns elements as a JSON array.
func list(elements []json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('[')
	b.Write(bytes.Join(asBytes(elements), []byte(",")))
	b.WriteByte(']')
	return b.Bytes()
}

func asBytes(raw []json.RawMessage) [][]byte {
	out := make([][]byte, len(raw))
	for i, r := range raw {
		out[i] = r
	}
	return out
}

// encode is json.Marshal without its escapes for HTML, which would change the
// text of what is only copied.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
