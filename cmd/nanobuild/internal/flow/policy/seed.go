package policy

import (
	_ "go.yaml.in/yaml/v3"
)
