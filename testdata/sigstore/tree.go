package sigstore

import "crypto/sha256"

// tree is the Merkle tree of a log, made of the hashes of its leaves.
// https://www.rfc-editor.org/rfc/rfc6962#section-2.1
type tree struct{ leaves [][]byte }

func leafHash(entry []byte) []byte {
	sum := sha256.Sum256(append([]byte{0}, entry...))
	return sum[:]
}

func (t *tree) add(entry []byte) (index int) {
	t.leaves = append(t.leaves, leafHash(entry))
	return len(t.leaves) - 1
}

func (t *tree) root() []byte { return rootOf(t.leaves) }

func rootOf(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	half := split(len(leaves))
	both := append([]byte{1}, rootOf(leaves[:half])...)
	sum := sha256.Sum256(append(both, rootOf(leaves[half:])...))
	return sum[:]
}

// proof is the hashes that lead from a leaf to the root.
func (t *tree) proof(index int) [][]byte { return pathTo(t.leaves, index) }

func pathTo(leaves [][]byte, index int) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	half := split(len(leaves))
	if index < half {
		return append(pathTo(leaves[:half], index), rootOf(leaves[half:]))
	}
	return append(pathTo(leaves[half:], index-half), rootOf(leaves[:half]))
}

// split is the largest power of two below n.
func split(n int) int {
	half := 1
	for half*2 < n {
		half *= 2
	}
	return half
}
