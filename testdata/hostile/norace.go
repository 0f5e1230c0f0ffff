//go:build !race

package hostile

// raceDetector says that the program holds several times the memory, and takes
// several times as long.
const raceDetector = false
