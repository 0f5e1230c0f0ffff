//go:build !race

package distribution_test

const raced = false
