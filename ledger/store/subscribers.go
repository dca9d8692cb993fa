package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const selectRunning = `
SELECT id, thing, months, at, paused FROM subscription WHERE bucket = $1 AND reader = $2 AND stopped IS NULL ORDER BY at, id`

// Subscriptions are those of a reader that run or are paused, oldest first.
func (s *Store) Subscriptions(ctx context.Context, now time.Time, reader flattr.MemberID) (running []flattr.SubscriptionView, err error) {
	if err := s.begin(ctx, now, reader); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		running, err = tx.running(reader)
		return err
	})
	return running, err
}

func (tx *Tx) running(reader flattr.MemberID) ([]flattr.SubscriptionView, error) {
	var running []flattr.SubscriptionView
	err := tx.each(selectRunning, func(rows *sql.Rows) error {
		var v flattr.SubscriptionView
		var since int64
		err := scanID(rows, &v.ID, &v.Thing, &v.Months, &since, &v.Paused)
		v.Since = timeOf(since)
		running = append(running, v)
		return err
	}, reader.Bucket(), int64(reader))
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return running, nil
}

// runningOn are the subscriptions of a reader to a thing, or to what stands for
// the same as it does, once those are ended whose term is over.
func (tx *Tx) runningOn(now time.Time, reader flattr.MemberID, thing flattr.ThingID) (on []flattr.SubscriptionView, err error) {
	if err := tx.due(now, reader); err != nil {
		return nil, err
	}
	wanted, err := tx.thing(thing)
	if err != nil {
		return nil, err
	}
	running, err := tx.running(reader)
	if err != nil {
		return nil, err
	}
	for _, v := range running {
		t, err := tx.thing(v.Thing)
		if err != nil {
			return nil, err
		}
		if t.target == wanted.target {
			on = append(on, v)
		}
	}
	return on, nil
}

// noSubscription is the refusal where there is none to pause or to stop.
func noSubscription() error {
	return flattr.Refuse(flattr.NotFound, "You have no subscription to this thing.")
}

// SubscribeTo is Subscribe for a thing by its id. It refuses with subscribed a
// second subscription to the same thing, and with not_found a thing that is not
// there.
func (s *Store) SubscribeTo(ctx context.Context, now time.Time, reader flattr.MemberID, id flattr.EventID, thing flattr.ThingID, months int) error {
	return s.write(ctx, func(tx *Tx) error {
		t, err := tx.thing(thing)
		if err != nil {
			return err
		}
		r, err := tx.registration(selectRegistration, int64(thing))
		if err != nil {
			return err
		}
		if r.id == 0 || r.withdrawn {
			return flattr.Refuse(flattr.NotFound, "There is no such thing.")
		}
		on, err := tx.runningOn(now, reader, thing)
		if err != nil {
			return err
		}
		if len(on) > 0 {
			return flattr.Refuse(flattr.Subscribed, "User already subscribed to thing")
		}
		return tx.Subscribe(now, reader, flattr.Subscription{ID: id, URL: t.url, Months: months})
	})
}

// TogglePause pauses a reader's subscription to a thing, or resumes it where it
// is paused, and tells whether it runs then. It refuses with not_found.
func (s *Store) TogglePause(ctx context.Context, now time.Time, reader flattr.MemberID, thing flattr.ThingID) (runs bool, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		on, err := tx.runningOn(now, reader, thing)
		if err != nil {
			return err
		}
		if len(on) == 0 {
			return noSubscription()
		}
		runs = on[0].Paused
		for _, v := range on {
			if err := tx.Pause(now, reader, v.ID, !runs); err != nil {
				return err
			}
		}
		return nil
	})
	return runs, err
}

// Unsubscribe stops a reader's subscription to a thing for good; the clicks it
// made stay. It refuses with not_found.
func (s *Store) Unsubscribe(ctx context.Context, now time.Time, reader flattr.MemberID, thing flattr.ThingID) error {
	return s.write(ctx, func(tx *Tx) error {
		on, err := tx.runningOn(now, reader, thing)
		if err != nil {
			return err
		}
		if len(on) == 0 {
			return noSubscription()
		}
		for _, v := range on {
			if err := tx.Stop(now, reader, v.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
