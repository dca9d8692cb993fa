//go:build !linux && !darwin && !windows

package network

import (
	"context"
	"errors"
	"fmt"
)

// Watch has no way to hear of a new network here: what waits is tried again by
// the clock alone.
func Watch(context.Context, func()) error {
	return fmt.Errorf("watch the network: %w", errors.ErrUnsupported)
}
