package builder

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// changes lists what differs between the old image and the new one.
func (x *rebasing) changes(to *Rebased) ([]string, error) {
	now, err := readServed(Existing{Manifest: to.manifest, Config: to.config, MediaType: to.mediaType})
	if err != nil {
		return nil, fmt.Errorf("read the new image: %w", err)
	}
	var out []string
	add := func(key, from, to string) {
		if from != to {
			out = append(out, fmt.Sprintf("%s %s -> %s", key, or(Printable(from), "none"), or(Printable(to), "none")))
		}
	}
	add("base", hashText(x.oldDigest()), x.request.New.Digest.String())
	add("os.version", x.own.platform.OSVersion, now.platform.OSVersion)
	add("layers of the base", strconv.Itoa(x.baseLayers), strconv.Itoa(len(x.next.layers)))
	add("format", formatName(x.own.isOCI()), formatName(x.oci))
	add("created", x.own.created, x.created)
	more, err := differences("", x.own.config, now.config, "os.version", "created", "rootfs", "history", "config")
	if err != nil {
		return nil, err
	}
	out = append(out, more...)
	more, err = differences("", x.own.settings, now.settings)
	return append(out, more...), err
}

// oldDigest is that of the old base, as far as somebody knows it.
func (x *rebasing) oldDigest() v1.Hash {
	if x.old != nil {
		return x.old.Digest
	}
	return x.recorded().Digest
}

func formatName(oci bool) string {
	if oci {
		return FormatOCI
	}
	return FormatDocker
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// differences lists the members that differ, those within Env, Labels and the
// like by their own names.
func differences(prefix string, from, to *object, leaveOut ...string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for _, key := range leaveOut {
		seen[key] = true
	}
	for _, m := range slices.Concat(to.members, from.members) {
		a, b := from.get(m.key), to.get(m.key)
		if seen[m.key] || sameMember(a, b) || prefix == "" && sameValue(a, b) {
			continue
		}
		seen[m.key] = true
		if prefix != "" || !hasParts(m.key) {
			out = append(out, fmt.Sprintf("%s%s %s -> %s", prefix, Printable(m.key), shown(a), shown(b)))
			continue
		}
		x, err := parts(a)
		if err != nil {
			return nil, err
		}
		y, err := parts(b)
		if err != nil {
			return nil, err
		}
		more, err := differences(m.key+" ", x, y)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// hasParts says whether each member of a setting is one of its own.
func hasParts(key string) bool {
	return slices.Contains([]string{"Env", "ExposedPorts", "Volumes", "Labels"}, key)
}

// parts are the members of a setting, or the variables in a list of them.
func parts(raw json.RawMessage) (*object, error) {
	var list []string
	if isNull(raw) || json.Unmarshal(raw, &list) != nil {
		return parseObject(raw)
	}
	o := &object{}
	for _, v := range readEnv(list) {
		if err := o.put(v.Name, v.Value); err != nil {
			return nil, err
		}
	}
	return o, nil
}
