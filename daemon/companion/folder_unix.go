//go:build unix

package companion

import "os"

// makeFolder makes a folder that the companion's user alone can enter; one that
// is there is left as its owner has made it.
func makeFolder(path string) error { return os.MkdirAll(path, 0o700) }
