package flattr

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// Place is where a click stands when the units that are left over of a budget
// are given out (product rule 4): the first 8 bytes of SHA-256 over "2026-11|click id"
// as a number, less 2^63. It is kept with the click for SQL, which may have no
// SHA-256; the smallest come first.
func Place(month Month, click EventID) int64 {
	sum := sha256.Sum256([]byte(month.String() + "|" + click.String()))
	// Turning the first bit over is taking 2^63 away.
	return int64(binary.BigEndian.Uint64(sum[:8]) ^ (math.MaxInt64 + 1))
}
