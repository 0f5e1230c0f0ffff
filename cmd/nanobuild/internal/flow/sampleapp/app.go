// Package sampleapp makes a small published application around a Windows program
// of one kilobyte, so that every layer of an image can be shown without a .NET
// SDK. Its runtime files are placeholders with real names.
package sampleapp

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Name is the application's assembly name.
const Name = "Demo"

const (
	tfm     = "net10.0"
	version = "10.0.0"
	rid     = "win-x64"
)

// library is one entry of deps.json with the files it supplies.
type library struct {
	name, version, kind string
	managed, native     []string
}

func libraries() []library {
	pack := func(framework string, managed, native []string) library {
		return library{"runtimepack." + framework + ".Runtime." + rid, version, "runtimepack", managed, native}
	}
	return []library{
		{Name, version, "project", []string{Name + ".dll"}, nil},
		pack("Microsoft.NETCore.App", []string{"System.Private.CoreLib.dll", "System.Runtime.dll"},
			[]string{"coreclr.dll", "hostfxr.dll", "hostpolicy.dll"}),
		pack("Microsoft.AspNetCore.App", []string{"Microsoft.AspNetCore.dll"}, nil),
		pack("Microsoft.WindowsDesktop.App", []string{"System.Drawing.Common.dll"}, nil),
		{"Sample.Json", "1.2.3", "package", []string{"Sample.Json.dll"}, nil},
		{"Demo.Core", version, "project", []string{"Demo.Core.dll"}, nil},
	}
}

// Write makes the publish folder dir, whose program prints message.
func Write(dir, message string) error {
	files, err := contents(message)
	if err != nil {
		return err
	}
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("make the sample application: %w", err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return fmt.Errorf("make the sample application: %w", err)
		}
	}
	return nil
}

func contents(message string) (map[string][]byte, error) {
	deps, err := depsJSON()
	if err != nil {
		return nil, err
	}
	config, err := runtimeConfig()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		Name + ".exe":                Program(message),
		Name + ".deps.json":          deps,
		Name + ".runtimeconfig.json": config,
		"appsettings.json":           []byte("{\n  \"AllowedHosts\": \"*\"\n}\n"),
		"wwwroot/index.html":         []byte("<!doctype html><title>nanobuild</title><p>Hello.</p>\n"),
	}
	for _, l := range libraries() {
		for _, f := range append(l.managed, l.native...) {
			files[f] = placeholder(l, f)
		}
	}
	return files, nil
}

// placeholder is what stands in for a library: text, of a size that shows which
// layers of a real application are large.
func placeholder(l library, file string) []byte {
	line := fmt.Sprintf("%s %s: placeholder for %s\n", l.name, l.version, file)
	lines := 1
	if l.kind == "runtimepack" {
		lines = 2000
	}
	return []byte(strings.Repeat(line, lines))
}

func depsJSON() ([]byte, error) {
	target := map[string]any{}
	described := map[string]any{}
	for _, l := range libraries() {
		key := l.name + "/" + l.version
		assets := map[string]any{}
		if len(l.managed) > 0 {
			assets["runtime"] = fileSet(l, l.managed)
		}
		if len(l.native) > 0 {
			assets["native"] = fileSet(l, l.native)
		}
		target[key] = assets
		described[key] = map[string]any{"type": l.kind, "serviceable": false, "sha512": ""}
	}
	framework := ".NETCoreApp,Version=v" + strings.TrimPrefix(tfm, "net") + "/" + rid
	b, err := json.MarshalIndent(map[string]any{
		"runtimeTarget": map[string]string{"name": framework, "signature": ""},
		"targets":       map[string]any{framework: target},
		"libraries":     described,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the sample's deps.json: %w", err)
	}
	return append(b, '\n'), nil
}

// fileSet lists files as deps.json does: packages by their path in the package,
// everything else by name.
func fileSet(l library, files []string) map[string]any {
	set := map[string]any{}
	for _, f := range files {
		if l.kind == "package" {
			f = "lib/" + tfm + "/" + f
		}
		set[f] = map[string]any{}
	}
	return set
}

func runtimeConfig() ([]byte, error) {
	framework := func(name string) map[string]string {
		return map[string]string{"name": name, "version": version}
	}
	included := []map[string]string{
		framework("Microsoft.NETCore.App"), framework("Microsoft.AspNetCore.App"), framework("Microsoft.WindowsDesktop.App"),
	}
	b, err := json.MarshalIndent(map[string]any{
		"runtimeOptions": map[string]any{"tfm": tfm, "includedFrameworks": included},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the sample's runtimeconfig.json: %w", err)
	}
	return append(b, '\n'), nil
}
