package dotnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/nanobuild/nanobuild/layers"
)

// runtimeConfig is X.runtimeconfig.json: which frameworks an app brings or needs.
// https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md
type runtimeConfig struct {
	Options struct {
		TFM         string      `json:"tfm"`
		RollForward string      `json:"rollForward"` // for the frameworks that say nothing
		Included    []Framework `json:"includedFrameworks"`
		Framework   *Framework  `json:"framework"`
		Frameworks  []Framework `json:"frameworks"`
	} `json:"runtimeOptions"`
}

func parseRuntimeConfig(raw []byte) (Runtime, error) {
	var config runtimeConfig
	if err := layers.CheckJSON(raw); err != nil {
		return Runtime{}, err
	}
	if err := json.Unmarshal(trimBOM(raw), &config); err != nil {
		return Runtime{}, err
	}
	options := config.Options
	if len(options.Included) > 0 {
		return Runtime{TFM: options.TFM, Frameworks: options.Included, SelfContained: true}, nil
	}
	frameworks := options.Frameworks
	if options.Framework != nil {
		frameworks = append([]Framework{*options.Framework}, frameworks...)
	}
	for i, f := range frameworks {
		frameworks[i].RollForward = orDefault(f.RollForward, options.RollForward)
	}
	return Runtime{TFM: options.TFM, Frameworks: frameworks}, nil
}

// readRuntimeConfig reads the file of the app in a folder; the error wraps
// fs.ErrNotExist when it has none, as with a single-file app.
func readRuntimeConfig(dir, app string) (Runtime, error) {
	file := app + runtimeConfigSuffix
	raw, err := readRegular(dir, file, largestConfig)
	if err != nil {
		return Runtime{}, fmt.Errorf("read what %s runs on: %w", app, err)
	}
	runtime, err := parseRuntimeConfig(raw)
	if err != nil {
		return Runtime{}, fmt.Errorf("read what %s runs on: %s: %w", app, file, err)
	}
	return runtime, nil
}

// projectRuntime tells what a published project runs on: its runtimeconfig.json,
// or what the build says when that is inside the program.
func projectRuntime(result *Result, answer *evaluation) (Runtime, error) {
	runtime, err := readRuntimeConfig(result.Dir, result.Name)
	if errors.Is(err, fs.ErrNotExist) {
		runtime = Runtime{SelfContained: answer.isTrue("SelfContained")}
		for _, item := range answer.Items[runtimeFrameworks] {
			runtime.Frameworks = append(runtime.Frameworks, Framework{Name: item.Identity, Version: item.Metadata["Version"]})
		}
	} else if err != nil {
		return Runtime{}, err
	}
	runtime.SingleFile = answer.isTrue("PublishSingleFile")
	if framework := answer.Properties["TargetFramework"]; framework != "" {
		runtime.TFM = strings.ToLower(framework)
	}
	return runtime, nil
}
