package accounts

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Lives of a device.
const (
	unprovenLife = 60 * time.Second // to prove the new key for the first time
	// Then the pairing is revoked. It is counted in days on which the
	// companion ran: neither a clock that is set wrong nor a machine that was
	// off for a year revokes a browser.
	unusedLife = 180 * day
	day        = 24 * time.Hour
	keyBytes   = 32
)

// AnyUser stands for a user whom the system does not name: what it may find is
// held back by its key alone.
const AnyUser = ^uint32(0)

// DeviceID names a browser profile: 32 random bytes.
type DeviceID [32]byte

// Device is one browser profile of one user of the machine.
type Device struct {
	ID      DeviceID
	Key     []byte // K, 32 bytes
	UID     uint32
	Origin  string    // of the extension that was paired
	Account AccountID // 0: not linked
	Made    time.Time
	Used    time.Time // zero: the key was never proved
	unused  time.Duration
}

const insertDevice = `INSERT INTO device (id, key, uid, origin, made_ms) VALUES ($1, $2, $3, $4, $5)`

func (s *Store) insert(ctx context.Context, d Device) error {
	_, err := s.db.Write.ExecContext(ctx, insertDevice, d.ID[:], d.Key, d.UID, d.Origin, d.Made.UnixMilli())
	return err
}

const (
	selectDevice = `SELECT id, key, uid, origin, coalesce(account, 0), made_ms, coalesce(used_ms, 0),
		(SELECT ms FROM age) - used_age_ms FROM device `
	deviceByID    = selectDevice + `WHERE id = $1`
	devicesOfUser = selectDevice + `WHERE uid = $1 ORDER BY used_ms DESC, id`
)

// Device gives a device that lives, of this user, or AnyUser, and origin.
// ErrUnknown otherwise.
func (s *Store) Device(ctx context.Context, now time.Time, id DeviceID, uid uint32, origin string) (Device, error) {
	all, err := s.devices(ctx, now, deviceByID, id[:])
	if err != nil {
		return Device{}, fmt.Errorf("read device: %w", err)
	}
	if len(all) == 0 || !isOf(all[0].UID, uid) || all[0].Origin != origin {
		return Device{}, ErrUnknown
	}
	return all[0], nil
}

func isOf(owner, uid uint32) bool { return owner == uid || uid == AnyUser }

// Devices gives the user's devices that live, the last used first.
func (s *Store) Devices(ctx context.Context, now time.Time, uid uint32) ([]Device, error) {
	all, err := s.devices(ctx, now, devicesOfUser, uid)
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	return all, nil
}

func (s *Store) devices(ctx context.Context, now time.Time, query string, args ...any) ([]Device, error) {
	rows, err := s.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Device
	for rows.Next() {
		var d Device
		var id []byte
		var made, used, unused int64
		if err := rows.Scan(&id, &d.Key, &d.UID, &d.Origin, &d.Account, &made, &used, &unused); err != nil {
			return nil, err
		}
		d.ID, d.Made, d.unused = DeviceID(id), time.UnixMilli(made), time.Duration(unused)*time.Millisecond
		if used != 0 {
			d.Used = time.UnixMilli(used)
		}
		if d.lives(now) {
			all = append(all, d)
		}
	}
	return all, rows.Err()
}

func (d Device) lives(now time.Time) bool {
	if d.Used.IsZero() {
		return now.Sub(d.Made) < unprovenLife
	}
	return d.unused < unusedLife
}

const (
	// What has passed since the clock was looked at counts for a day at most,
	// and for nothing where the clock went back.
	growOlder = `UPDATE age SET ms = ms + min(max($1 - seen_ms, 0), $2), seen_ms = $1`
	useDevice = `UPDATE device SET used_ms = max($1, 1), used_age_ms = (SELECT ms FROM age) WHERE id = $2`
)

// Used notes that the device has proved its key.
func (s *Store) Used(ctx context.Context, now time.Time, id DeviceID) error {
	err := s.db.Change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, growOlder, now.UnixMilli(), day.Milliseconds()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, useDevice, now.UnixMilli(), id[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("note use of device: %w", err)
	}
	return nil
}

const revokeDevice = `DELETE FROM device WHERE id = $1 AND uid = $2`

// Revoke forgets a device of the user. ErrUnknown when there is none.
func (s *Store) Revoke(ctx context.Context, id DeviceID, uid uint32) error {
	result, err := s.db.Write.ExecContext(ctx, revokeDevice, id[:], uid)
	if err != nil {
		return fmt.Errorf("revoke device: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return ErrUnknown
	}
	return nil
}

const sweepDevices = `
DELETE FROM device WHERE (used_ms IS NULL AND $1 - made_ms >= $2)
OR (used_ms IS NOT NULL AND (SELECT ms FROM age) - used_age_ms >= $3)`

// Sweep deletes the devices that live no more. It is to be called at every
// start and once a day: days on which nobody looks at the clock do not count.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	return s.db.Change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, growOlder, now.UnixMilli(), day.Milliseconds()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, sweepDevices, now.UnixMilli(), unprovenLife.Milliseconds(), unusedLife.Milliseconds())
		return err
	})
}
