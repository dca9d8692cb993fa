package companion

import (
	"errors"
	"testing"
	"time"

	"flattr/daemon/control"
)

// A program that pairs without end is told to stop; the list of its browsers
// still fits into one answer.
func TestAUserHasTwoHundredBrowsersAtMost(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	c := keepingCompanion(t, now)
	for range 200 {
		secret, err := c.accounts.NewTicket(now, 1000)
		if err != nil {
			t.Fatal(err)
		}
		device, err := c.accounts.Enroll(t.Context(), now, hashOf(secret), 1000, "chrome-extension://x")
		if err == nil {
			err = c.accounts.Used(t.Context(), now, device.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var problem *control.Problem
	if answer, err := c.pair(t.Context(), 1000); !errors.As(err, &problem) || problem.Code != "too_many" {
		t.Errorf("one more = %+v, %v, want too_many", answer, err)
	}
}
