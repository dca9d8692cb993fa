package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// What a flattr:id is made of: six characters, as pages write them.
const (
	flattrIDLetters = "0123456789abcdefghijklmnopqrstuvwxyz"
	flattrIDLength  = 6
)

// newFlattrID draws one. The first is a letter: old pages name members by
// numbers too.
func newFlattrID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	n := uint64(0)
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	code := make([]byte, flattrIDLength)
	code[0] = flattrIDLetters[10+n%26]
	n /= 26
	for i := 1; i < flattrIDLength; i++ {
		code[i] = flattrIDLetters[n%36]
		n /= 36
	}
	return string(code)
}

const selectFlattrID = `SELECT code FROM flattr_id WHERE member = $1`

const insertFlattrID = `INSERT INTO flattr_id (code, member, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

const selectByFlattrID = `SELECT member FROM flattr_id WHERE code = $1`

// KnownFlattrID is the six characters by which pages name a member, or "" where
// none have been made.
func (s *Store) KnownFlattrID(ctx context.Context, member flattr.MemberID) (code string, err error) {
	err = s.read(ctx, func(tx *Tx) error { return ignoreNone(tx.row(selectFlattrID, int64(member)).Scan(&code)) })
	if err != nil {
		return "", fmt.Errorf("read flattr:id: %w", err)
	}
	return code, nil
}

// FlattrID is the six characters by which pages name a member; they are made at
// the first call. It refuses with not_found who is no member.
func (s *Store) FlattrID(ctx context.Context, now time.Time, member flattr.MemberID) (code string, err error) {
	if code, err = s.KnownFlattrID(ctx, member); err != nil || code != "" {
		return code, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		code, err = tx.flattrID(now, member)
		return err
	})
	return code, err
}

func (tx *Tx) flattrID(now time.Time, member flattr.MemberID) (code string, err error) {
	if _, err := tx.member(member); err != nil {
		return "", err
	}
	for range idAttempts {
		err := tx.row(selectFlattrID, int64(member)).Scan(&code)
		if err == nil {
			return code, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return "", fmt.Errorf("read flattr:id: %w", err)
		}
		code = newFlattrID()
		// A member's name that looks the same would be mistaken for it.
		if _, err := tx.memberByName(code); flattr.CodeOf(err) != flattr.NotFound {
			if err != nil {
				return "", err
			}
			continue
		}
		if _, err := tx.exec(insertFlattrID, code, int64(member), micros(now)); err != nil {
			return "", fmt.Errorf("write flattr:id: %w", err)
		}
	}
	return "", errors.New("no free flattr:id found")
}

// MemberByFlattrID is whom a flattr:id names, or not_found.
func (s *Store) MemberByFlattrID(ctx context.Context, code string) (id flattr.MemberID, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		return found(tx.row(selectByFlattrID, code).Scan(&id), "flattr:id")
	})
	return id, err
}

// Named is the member whom a button or link names: by flattr:id, which nobody
// can choose, else by the identity that a partner has verified, else by name. It
// answers 0 for nobody.
func (s *Store) Named(ctx context.Context, who string) (id flattr.MemberID, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		err := tx.row(selectByFlattrID, who).Scan(&id)
		if err == nil {
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) && flattr.CodeOf(err) != flattr.Invalid {
			return fmt.Errorf("read flattr:id: %w", err)
		}
		if strings.HasPrefix(who, flattr.PartnerPrefix) {
			id, err = tx.identified(who)
			return err
		}
		m, err := tx.memberByName(who)
		if flattr.CodeOf(err) == flattr.NotFound {
			id = 0
			return nil
		}
		id = m.ID
		return err
	})
	return id, err
}
