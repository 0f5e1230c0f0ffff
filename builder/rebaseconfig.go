package builder

import (
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// config returns the new image's config.
func (x *rebasing) config() ([]byte, error) {
	m := merger{known: x.old != nil}
	old := x.oldOr(func(s *served) *object { return s.config })
	settings, err := x.settings(m)
	if err != nil {
		return nil, fmt.Errorf("merge \"config\": %w", err)
	}
	taken := func(_, _, next json.RawMessage) (json.RawMessage, error) { return next, nil }
	out, err := m.object(old, x.own.config, x.next.config, map[string]mergeFunc{
		"os.version": taken, "os.features": taken, // with the files of Windows
		"rootfs": x.rootfs, "history": x.newHistory,
	})
	if err != nil {
		return nil, err
	}
	if x.created != "" {
		if err := out.put("created", x.created); err != nil {
			return nil, err
		}
	}
	if err := setObject(out, "config", settings); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		key   string
		write mergeFunc
	}{{"rootfs", x.rootfs}, {"history", x.newHistory}} {
		if out.get(part.key) != nil {
			continue
		}
		v, err := part.write(nil, nil, nil) // neither image nor base has the key
		if err != nil {
			return nil, err
		}
		out.set(part.key, v)
	}
	return out.bytes()
}

func (x *rebasing) oldOr(get func(*served) *object) *object {
	if x.old == nil {
		return &object{}
	}
	return get(x.old)
}

// settings returns the "config" object of the new image's config.
func (x *rebasing) settings(m merger) (*object, error) {
	special := map[string]mergeFunc{
		"Env": m.environment, "ExposedPorts": m.members, "Volumes": m.members, "Labels": m.members, "User": x.user(m),
	}
	old := x.oldOr(func(s *served) *object { return s.settings })
	for _, key := range x.ownCommand(old) {
		special[key] = func(_, own, _ json.RawMessage) (json.RawMessage, error) { return own, nil }
	}
	out, err := m.object(old, x.own.settings, x.next.settings, special)
	if err != nil {
		return nil, err
	}
	labels, err := parseObject(out.get("Labels"))
	if err != nil {
		return nil, fmt.Errorf("read the labels: %w", err)
	}
	if err := x.relabel(labels); err != nil {
		return nil, err
	}
	if len(labels.members) > 0 {
		err = setObject(out, "Labels", labels)
	}
	return out, err
}

// ownCommand returns the settings of the command that stay as they are, because
// the image starts a program of its own. The arguments of a new base would become
// that program's.
func (x *rebasing) ownCommand(old *object) []string {
	own := x.own.settings
	const entry, cmd, escaped = "Entrypoint", "Cmd", "ArgsEscaped"
	if x.old == nil || !sameValue(own.get(entry), old.get(entry)) ||
		isEmpty(own.get(entry)) && !sameValue(own.get(cmd), old.get(cmd)) {
		return []string{entry, cmd, escaped}
	}
	return nil
}

// rootfs puts the layers of the application behind the new base's.
func (x *rebasing) rootfs(_, _, _ json.RawMessage) (json.RawMessage, error) {
	m := merger{known: x.old != nil}
	var parts [3]*object
	for i, s := range []*served{x.old, x.own, x.next} {
		parts[i] = &object{}
		if s == nil {
			continue
		}
		var err error
		if parts[i], err = parseObject(s.config.get("rootfs")); err != nil {
			return nil, err
		}
	}
	out, err := m.object(parts[0], parts[1], parts[2], nil)
	if err != nil {
		return nil, err
	}
	if isNull(out.get("type")) {
		if err := out.put("type", "layers"); err != nil {
			return nil, err
		}
	}
	ids := append(append([]v1.Hash{}, x.next.diffIDs...), x.own.diffIDs[x.baseLayers:]...)
	if err := out.put("diff_ids", ids); err != nil {
		return nil, err
	}
	return out.bytes()
}

// newHistory puts the history of the application behind the new base's. Both are
// repaired where they do not count their layers.
func (x *rebasing) newHistory(_, _, _ json.RawMessage) (json.RawMessage, error) {
	base, warnings, err := repairHistory(x.next.history, len(x.next.layers), x.created, "base")
	if err != nil {
		return nil, err
	}
	app, more, err := repairHistory(x.history, len(x.own.layers)-x.baseLayers, x.created, "image")
	if err != nil {
		return nil, err
	}
	x.warnings = append(append(x.warnings, warnings...), more...)
	return list(append(append([]json.RawMessage{}, base...), app...)), nil
}

// retime updates what members, labels or annotations, say of when the image was
// made, where that was the time of its config.
func (x *rebasing) retime(members *object) error {
	if x.created == "" || !sameTime(textOf(members.get(imageCreated)), x.own.created) {
		return nil
	}
	return members.put(imageCreated, x.created)
}

// textOf returns a value that is a text, else "".
func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func sameTime(a, b string) bool {
	t, err := time.Parse(time.RFC3339, a)
	if err != nil {
		return false
	}
	u, err := time.Parse(time.RFC3339, b)
	return err == nil && t.Equal(u)
}
