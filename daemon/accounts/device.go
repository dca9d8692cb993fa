package accounts

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Lives of a device.
const (
	unprovenLife = 60 * time.Second     // to prove the new key for the first time
	unusedLife   = 180 * 24 * time.Hour // then the pairing is revoked
	keyBytes     = 32
)

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
}

const insertDevice = `INSERT INTO device (id, key, uid, origin, made_ms) VALUES ($1, $2, $3, $4, $5)`

func (s *Store) insert(ctx context.Context, d Device) error {
	_, err := s.db.Write.ExecContext(ctx, insertDevice, d.ID[:], d.Key, d.UID, d.Origin, d.Made.UnixMilli())
	return err
}

const (
	selectDevice  = `SELECT id, key, uid, origin, coalesce(account, 0), made_ms, coalesce(used_ms, 0) FROM device `
	deviceByID    = selectDevice + `WHERE id = $1`
	devicesOfUser = selectDevice + `WHERE uid = $1 ORDER BY used_ms DESC, id`
)

// Device gives a device that lives, of this user and origin. ErrUnknown otherwise.
func (s *Store) Device(ctx context.Context, now time.Time, id DeviceID, uid uint32, origin string) (Device, error) {
	all, err := s.devices(ctx, now, deviceByID, id[:])
	if err != nil {
		return Device{}, fmt.Errorf("read device: %w", err)
	}
	if len(all) == 0 || all[0].UID != uid || all[0].Origin != origin {
		return Device{}, ErrUnknown
	}
	return all[0], nil
}

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
		var made, used int64
		if err := rows.Scan(&id, &d.Key, &d.UID, &d.Origin, &d.Account, &made, &used); err != nil {
			return nil, err
		}
		d.ID, d.Made = DeviceID(id), time.UnixMilli(made)
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
	return now.Sub(d.Used) < unusedLife
}

const useDevice = `UPDATE device SET used_ms = max(coalesce(used_ms, 0), $1) WHERE id = $2`

// Used notes that the device has proved its key. The time never goes back: a
// machine that starts with its clock in the past must not age its devices.
func (s *Store) Used(ctx context.Context, now time.Time, id DeviceID) error {
	if _, err := s.db.Write.ExecContext(ctx, useDevice, now.UnixMilli(), id[:]); err != nil {
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

const sweepDevices = `DELETE FROM device WHERE (used_ms IS NULL AND made_ms < $1) OR used_ms < $2`

// Sweep deletes the devices that live no more.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	return s.db.Change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sweepDevices, now.Add(-unprovenLife).UnixMilli(), now.Add(-unusedLife).UnixMilli())
		return err
	})
}
