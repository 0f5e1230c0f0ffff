package sample

import (
	"encoding/json"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// configJSON returns a config with the keys that Nano Server's has, nulls
// included, and o's.
func configJSON(o Options, diffIDs []v1.Hash) ([]byte, error) {
	inner := map[string]any{
		"Hostname": "", "Domainname": "", "User": o.User,
		"AttachStdin": false, "AttachStdout": false, "AttachStderr": false,
		"Tty": false, "OpenStdin": false, "StdinOnce": false,
		"Env": o.Env, "Cmd": o.Cmd, "Image": "", "Volumes": nil, "WorkingDir": "",
		"Entrypoint": o.Entrypoint, "OnBuild": nil, "Labels": nil,
	}
	if o.ArgsEscaped {
		inner["ArgsEscaped"] = true
	}
	stamp := created.Format("2006-01-02T15:04:05.0000000Z07:00")
	config := map[string]any{
		"architecture": o.Architecture,
		"config":       inner,
		"created":      stamp,
		"history":      history(o, stamp),
		"os":           o.OS,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": diffIDs},
	}
	if !o.NoOSVersion {
		config["os.version"] = o.OSVersion
	}
	if len(o.OSFeatures) > 0 {
		config["os.features"] = o.OSFeatures
	}
	for key, value := range o.ExtraConfig {
		if name, ok := strings.CutPrefix(key, "config."); ok {
			inner[name] = value
		} else {
			config[key] = value
		}
	}
	return json.Marshal(config) // map keys are written in order
}

func history(o Options, stamp string) []map[string]any {
	h := make([]map[string]any, 0, o.Layers)
	for i := range o.Layers {
		step := "Apply image " + o.OSVersion
		if i > 0 {
			step = fmt.Sprintf("Install update %d on %s", i, o.OSVersion)
		}
		h = append(h, map[string]any{"created": stamp, "created_by": step})
	}
	return h
}
