//go:build race

package distribution_test

// raced tells whether the race detector is on, which makes moving bytes many times
// as expensive.
const raced = true
