package builder

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// configEdit is all that changes in the base's config.
type configEdit struct {
	created    string // RFC 3339
	entry      Entry
	workDir    string
	env        []Var // the base's included
	ports      []string
	user       string // "" keeps the base's
	labels     map[string]string
	diffIDs    []v1.Hash
	history    []historyEntry // of the layers of diffIDs
	baseLayers int            // as many as the base's manifest has
}

// editConfig returns the base's config with the edit. Every key it does not
// name keeps its place and its bytes. Warnings say what was repaired.
func editConfig(raw []byte, e configEdit) ([]byte, []string, error) {
	top, err := parseObject(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("read the base's config: %w", err)
	}
	if err := top.put("created", e.created); err != nil {
		return nil, nil, err
	}
	settings, err := parseObject(top.get("config"))
	if err != nil {
		return nil, nil, fmt.Errorf("read \"config\" of the base's config: %w", err)
	}
	if err := e.settings(settings); err != nil {
		return nil, nil, fmt.Errorf("edit \"config\" of the base's config: %w", err)
	}
	if err := setObject(top, "config", settings); err != nil {
		return nil, nil, err
	}
	if err := e.rootfs(top); err != nil {
		return nil, nil, fmt.Errorf("edit \"rootfs\" of the base's config: %w", err)
	}
	history, warnings, err := extendHistory(top.get("history"), e.baseLayers, e.created, e.history)
	if err != nil {
		return nil, nil, fmt.Errorf("edit \"history\" of the base's config: %w", err)
	}
	top.set("history", history)
	out, err := top.bytes()
	return out, warnings, err
}

func setObject(parent *object, key string, child *object) error {
	raw, err := child.bytes()
	if err != nil {
		return fmt.Errorf("write %q: %w", key, err)
	}
	parent.set(key, raw)
	return nil
}

// settings edits the "config" object.
func (e configEdit) settings(o *object) error {
	if err := e.command(o); err != nil {
		return err
	}
	values := map[string]any{"WorkingDir": e.workDir, "Env": writeEnv(e.env)}
	if e.user != "" {
		values["User"] = e.user
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := o.put(key, values[key]); err != nil {
			return err
		}
	}
	if err := addMembers(o, "ExposedPorts", e.ports, func(string) any { return struct{}{} }); err != nil {
		return err
	}
	return addMembers(o, "Labels", slices.Sorted(maps.Keys(e.labels)), func(k string) any { return e.labels[k] })
}

// command edits what starts. ArgsEscaped says that the base's command is one
// text for Windows to take apart; it would break ours, which is a list.
func (e configEdit) command(o *object) error {
	keepsOwn := e.entry.KeepEntrypoint && !isNull(o.get("Entrypoint")) || e.entry.KeepCmd
	if !keepsOwn {
		o.drop("ArgsEscaped")
	}
	if !e.entry.KeepEntrypoint {
		if err := o.put("Entrypoint", e.entry.Entrypoint); err != nil {
			return err
		}
	}
	switch {
	case e.entry.KeepCmd:
		return nil
	case len(e.entry.Cmd) == 0:
		o.drop("Cmd")
		return nil
	}
	return o.put("Cmd", e.entry.Cmd)
}

// addMembers adds keys to the object that o has under a name.
func addMembers(o *object, name string, keys []string, value func(string) any) error {
	if len(keys) == 0 {
		return nil
	}
	child, err := parseObject(o.get(name))
	if err != nil {
		return fmt.Errorf("read %q: %w", name, err)
	}
	for _, k := range keys {
		if err := child.put(k, value(k)); err != nil {
			return err
		}
	}
	return setObject(o, name, child)
}

// rootfs appends our layers to the base's.
func (e configEdit) rootfs(top *object) error {
	o, err := parseObject(top.get("rootfs"))
	if err != nil {
		return err
	}
	var ids []json.RawMessage
	if raw := o.get("diff_ids"); !isNull(raw) {
		if err := json.Unmarshal(raw, &ids); err != nil {
			return err
		}
	}
	if len(ids) != e.baseLayers {
		return fmt.Errorf("it names %d layers, the base's manifest has %d", len(ids), e.baseLayers)
	}
	for _, id := range e.diffIDs {
		raw, err := encode(id)
		if err != nil {
			return err
		}
		ids = append(ids, raw)
	}
	if isNull(o.get("type")) {
		if err := o.put("type", "layers"); err != nil {
			return err
		}
	}
	o.set("diff_ids", list(ids))
	return setObject(top, "rootfs", o)
}
