package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const schemaFile = "policy.schema.json"

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaFile, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestSchemaAgrees: what the reader takes and refuses, editors take and refuse.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	accepted := []string{whole, `{"lint": false}`, "runs-on: ['23H2/hyperv']\n", "require: ['urn://x']\n", "max-base-age: 0d\n"}
	for _, host := range []string{"ltsc2025", "ltsc2019", "ltsc2016", "windows-11-24H2", "windows-10-22H2"} {
		accepted = append(accepted, "runs-on: ["+host+"]\n")
	}
	for _, text := range accepted {
		if err := schema.Validate(asJSON(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, _, err := Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, c := range faults() {
		if err := schema.Validate(asJSON(t, c.text)); err == nil {
			t.Errorf("%s: the schema takes %q", c.name, c.text)
		}
	}
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestSchemaHasAllKeys: and each says what it means.
func TestSchemaHasAllKeys(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct{ Description string }
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	for name, p := range schema.Properties {
		if !slices.Contains(Names(), name) || p.Description == "" {
			t.Errorf("%s: %q", name, p.Description)
		}
	}
	if len(schema.Properties) != len(Names()) {
		t.Errorf("%d keys, want %s", len(schema.Properties), strings.Join(Names(), ", "))
	}
}
