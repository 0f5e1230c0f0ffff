package builder

import (
	"bytes"
	"encoding/json"
	"strings"
)

// merger decides values three ways. What an image took over from its old base as
// it was, it takes from the new base; what was set for the image itself stays.
type merger struct {
	known bool // whether the old base is; if not, everything stays
	named bool // values are members that are there by their names, also with an empty value
}

// value decides one value; nil is one that is not there.
func (m merger) value(old, own, next json.RawMessage) json.RawMessage {
	same := sameValue
	if m.named {
		same = sameMember
	}
	if m.known && same(own, old) {
		return next
	}
	return own
}

// object decides the members of an object one by one: with the function that
// special has for a key, else as a whole. They have the order of the new base,
// those that it lacks follow in the order of the image.
func (m merger) object(old, own, next *object, special map[string]mergeFunc) (*object, error) {
	out := &object{}
	add := func(key string) error {
		merge := special[key]
		if merge == nil {
			merge = func(old, own, next json.RawMessage) (json.RawMessage, error) { return m.value(old, own, next), nil }
		}
		v, err := merge(old.get(key), own.get(key), next.get(key))
		if err == nil && v != nil {
			out.set(key, v)
		}
		return err
	}
	for _, x := range next.members {
		if err := add(x.key); err != nil {
			return nil, err
		}
	}
	for _, x := range own.members {
		if next.place(x.key) < 0 {
			if err := add(x.key); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// mergeFunc decides one value of an object.
type mergeFunc func(old, own, next json.RawMessage) (json.RawMessage, error)

// members decides a value that is an object, each of its members as a whole.
func (m merger) members(old, own, next json.RawMessage) (json.RawMessage, error) {
	if !m.known {
		return own, nil
	}
	var all [3]*object
	for i, raw := range []json.RawMessage{old, own, next} {
		var err error
		if all[i], err = parseObject(raw); err != nil {
			return nil, err
		}
	}
	m.named = true
	out, err := m.object(all[0], all[1], all[2], nil)
	if err != nil {
		return nil, err
	}
	if len(out.members) > 0 {
		return out.bytes()
	}
	return firstEmpty(next, own), nil
}

// firstEmpty returns the first of values that is there and is empty: tools differ
// in whether they write null, {}, or nothing.
func firstEmpty(values ...json.RawMessage) json.RawMessage {
	for _, v := range values {
		if v != nil && isEmpty(v) {
			return v
		}
	}
	return nil
}

// environment decides a list of variables, each by its name in any case. What
// Windows would drop is not taken over from the new base.
func (m merger) environment(old, own, next json.RawMessage) (json.RawMessage, error) {
	if !m.known {
		return own, nil
	}
	var lists [3][]string
	for i, raw := range []json.RawMessage{old, own, next} {
		if isNull(raw) {
			continue
		}
		if err := json.Unmarshal(raw, &lists[i]); err != nil {
			return nil, err
		}
	}
	out := mergeVariables(lists[0], lists[1], lists[2])
	if len(out) == 0 {
		return firstEmpty(own, next), nil
	}
	return encode(out)
}

func mergeVariables(old, own, next []string) []string {
	was, is := byName(old), byName(own)
	stays := func(key string) bool {
		v, set := is[key]
		w, inherited := was[key]
		return set != inherited || v.Value != w.Value
	}
	var out []string
	done := map[string]bool{}
	for _, v := range readEnv(next) {
		key := foldName(v.Name)
		done[key] = true
		if !stays(key) {
			out = append(out, v.Name+"="+v.Value)
		} else if mine, set := is[key]; set {
			out = append(out, mine.Name+"="+mine.Value)
		}
	}
	for _, v := range readEnv(own) {
		if key := foldName(v.Name); !done[key] && stays(key) {
			out = append(out, v.Name+"="+v.Value)
		}
	}
	return append(out, noVariables(own, old)...)
}

// noVariables returns the entries that are no variables to Windows, but for those
// that the old base has too.
func noVariables(own, old []string) []string {
	inherited := map[string]bool{}
	for _, e := range old {
		inherited[e] = true
	}
	var out []string
	for _, e := range own {
		if name, value, ok := strings.Cut(e, "="); (!ok || name == "" || value == "") && !inherited[e] {
			out = append(out, e)
		}
	}
	return out
}

func byName(entries []string) map[string]Var {
	out := map[string]Var{}
	for _, v := range readEnv(entries) {
		out[foldName(v.Name)] = v
	}
	return out
}

// isEmpty says whether a value is the one that a setting has when nobody set it.
func isEmpty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", `""`, "false", "[]", "{}", "0":
		return true
	}
	return false
}

// sameValue compares two values, white space and the order of keys aside.
func sameValue(a, b json.RawMessage) bool {
	return isEmpty(a) && isEmpty(b) || bytes.Equal(canonical(a), canonical(b))
}

// sameMember compares two values of which nil is one that is not there.
func sameMember(a, b json.RawMessage) bool {
	return (a == nil) == (b == nil) && bytes.Equal(canonical(a), canonical(b))
}

// canonical is a value in the one way in which it can be written, and what is no
// value as it is.
func canonical(raw json.RawMessage) []byte {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return raw
	}
	text, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return text
}
