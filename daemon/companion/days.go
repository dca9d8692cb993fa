package companion

import (
	"context"
	"time"
)

// day is how often devices that nobody uses any more are looked for.
const day = 24 * time.Hour

// countDays revokes, once a day, what was not used for too long. A device that
// is connected is in use, however long ago it has connected.
func (c *Companion) countDays(ctx context.Context) {
	ticker := time.NewTicker(day)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := c.nextDay(ctx); err != nil && ctx.Err() == nil {
			c.config.Log.Error("revoke what is not used", "error", err)
		}
	}
}

func (c *Companion) nextDay(ctx context.Context) error {
	now := c.config.Now()
	for _, s := range c.hub.of(func(*session) bool { return true }) {
		if err := c.accounts.Used(ctx, now, s.device); err != nil {
			return err
		}
	}
	return c.accounts.Sweep(ctx, now)
}
