package courier

import "time"

// Rare makes back-off wait for an hour each time, so that what happens within a
// test has another reason. Before Run.
func (c *Courier) Rare() {
	c.delays.InitialInterval, c.delays.RandomizationFactor = time.Hour, 0
	c.delays.MaxInterval = time.Hour
	c.delays.Reset()
}

// Asked tells whether a sync is asked for.
func (c *Courier) Asked() bool { return len(c.wake) > 0 }
