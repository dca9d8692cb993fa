package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
)

// refuse is the refusal to delete a member between whom and the ledger is money.
func (l Standing) refuse() error {
	var stands, next []string
	if l.Means != 0 {
		stands = append(stands, l.Means.String()+" EUR of means")
		next = append(next, "pay the means back (refund)")
	}
	if l.Revenue != 0 {
		stands = append(stands, l.Revenue.String()+" EUR of revenue")
	}
	if l.Means != 0 || l.Revenue > 0 {
		next = append(next, "give what is there to another member (member gift)")
	}
	if l.Revenue < 0 {
		next = append(next, "wait until later months have set off the revenue below zero")
	}
	if l.Owed != 0 {
		stands = append(stands, l.Owed.String()+" EUR that are owed")
		next = append(next, "book what is repaid (credit)")
	}
	if len(stands) == 0 {
		return nil
	}
	return flattr.Refuse(flattr.BalanceLeft, fmt.Sprintf("There are still %s. First %s.",
		strings.Join(stands, " and "), strings.Join(next, ", or ")))
}

const selectUnposted = `
SELECT m.month FROM month m WHERE m.state IN ('frozen', 'computed') AND m.fee_bp < $1 AND (
    EXISTS (SELECT 1 FROM snapshot_thing s WHERE s.owner = $2 AND s.month = m.month)
 OR EXISTS (SELECT 1 FROM snapshot_part p WHERE p.month = m.month AND p.author = $2)
) ORDER BY m.month LIMIT 1`

const selectOverdue = `SELECT COALESCE(MIN(month), 0) FROM month WHERE state = 'open' AND month <= $1`

// mayGo refuses with balance_left while there is money between a member and the
// ledger, also what the member has earned in a frozen month and the settlement
// has still to post: whether that was run must not matter. It refuses with
// month_open while a month is not frozen whose grace is over, since things that
// are nobody's then would earn nothing in it.
func (tx *Tx) mayGo(now time.Time, member flattr.MemberID) error {
	stands, err := tx.standing(member)
	if err != nil {
		return err
	}
	if err := stands.refuse(); err != nil {
		return err
	}
	var month flattr.Month
	over := flattr.MonthOf(now.Add(-flattr.Grace)).Prev()
	if err := tx.row(selectOverdue, int32(over)).Scan(&month); err != nil {
		return fmt.Errorf("look for months that are over: %w", err)
	}
	if month != 0 {
		return flattr.Refuse(flattr.MonthOpen, fmt.Sprintf(
			"%s is over and not settled, and what the member has earned in it would be lost. First settle it: flattr-ledger settle --month %s.", month, month))
	}
	err = tx.row(selectUnposted, flattr.AllParts, int64(member)).Scan(&month)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for months that are not posted: %w", err)
	}
	return flattr.Refuse(flattr.BalanceLeft, fmt.Sprintf(
		"There is revenue of %s, which is not settled yet. First settle that month, then see what can be done with it.", month))
}

// Delete is Tx.Delete for the member of that name; it answers the name that the
// account has from then on.
func (s *Store) Delete(ctx context.Context, now time.Time, name string) (became string, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		if err := tx.Delete(now, m.ID); err != nil {
			return err
		}
		m, err = scanMember(tx.row(selectMember, m.ID.Bucket(), int64(m.ID)))
		became = m.Name
		return err
	})
	return became, err
}

// Delete takes a member out of the ledger (product rule 16): clicks of open
// months are undone, subscriptions stopped, tokens revoked, things left without
// owner and parts without effect, and what tells who it was is erased; the name
// is never given again. Ids and transfers stay. What was held for open months
// goes to the means and stays in the books. It refuses with balance_left while
// there are means or revenue, or something is owed, with month_open while a month
// is still to be frozen, and with not_found who is no member.
func (tx *Tx) Delete(now time.Time, member flattr.MemberID) error {
	if _, err := tx.account(member); err != nil {
		return err
	}
	// Who shares a thing with the member may cease to be an author of it.
	if err := tx.dueAll(now); err != nil {
		return err
	}
	if err := tx.mayGo(now, member); err != nil {
		return err
	}
	for _, step := range []func(time.Time, flattr.MemberID) error{
		tx.stopAll, tx.undoAll, tx.revokeAll, tx.takeInvites, tx.disown, tx.eraseProfile, tx.eraseNotes, tx.erasePayoutTargets, tx.eraseAccess, tx.erase,
	} {
		if err := step(now, member); err != nil {
			return fmt.Errorf("delete member: %w", err)
		}
	}
	tx.forget(member)
	return nil
}

const stopSubscriptionsOf = `UPDATE subscription SET stopped = $1 WHERE bucket = $2 AND reader = $3 AND stopped IS NULL`

const endWaitingOf = `UPDATE subscription_month SET state = 'ended' WHERE bucket = $1 AND reader = $2 AND state = 'waiting'`

const lapsePromisesOf = `UPDATE promise SET state = 'lapsed' WHERE bucket = $1 AND reader = $2 AND state = 'waiting'`

// stopAll lets nothing be clicked for the reader any more.
func (tx *Tx) stopAll(now time.Time, reader flattr.MemberID) error {
	if _, err := tx.exec(stopSubscriptionsOf, micros(now), reader.Bucket(), int64(reader)); err != nil {
		return fmt.Errorf("stop subscriptions: %w", err)
	}
	tx.forget(reader)
	for _, statement := range []string{endWaitingOf, lapsePromisesOf} {
		if _, err := tx.exec(statement, reader.Bucket(), int64(reader)); err != nil {
			return fmt.Errorf("end what waits: %w", err)
		}
	}
	return nil
}

const selectCountedThings = `
SELECT thing FROM counted WHERE month = $1 AND bucket = $2 AND reader = $3 ORDER BY thing LIMIT $4`

// undoAll undoes what counts of the reader's in months that take undos.
func (tx *Tx) undoAll(now time.Time, reader flattr.MemberID) error {
	months, err := tx.openMonths()
	if err != nil {
		return err
	}
	for _, month := range months {
		for now.Before(month.FreezeAt()) {
			var things []flattr.ThingID
			err := tx.each(selectCountedThings, func(rows *sql.Rows) error {
				var id flattr.ThingID
				err := rows.Scan(&id)
				things = append(things, id)
				return err
			}, int32(month), reader.Bucket(), int64(reader), page)
			if err != nil {
				return fmt.Errorf("read what counts: %w", err)
			}
			if len(things) == 0 {
				break
			}
			for _, thing := range things {
				if err := tx.undoAt(now, spot{month, reader.Bucket(), reader, thing}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// undoAt undoes what counts at a spot until nothing does: a duplicate can come
// to count when the click before it is undone.
func (tx *Tx) undoAt(now time.Time, k spot) error {
	log, err := tx.logOf(k)
	if err != nil {
		return err
	}
	last := flattr.EventID{}
	for counting, counts := flattr.Counting(log); counts; counting, counts = flattr.Counting(log) {
		undo := flattr.Logged{ID: counting.ID, Kind: flattr.KindUndo, At: micros(now), Click: counting.ID}
		// The reader may have given the id to an event of theirs.
		for taken := true; taken; {
			undo.ID = flattr.EventID(uuid.NewSHA1(uuid.UUID(undo.ID), []byte(flattr.KindUndo)))
			if _, taken, err = tx.event(undo.ID); err != nil {
				return err
			}
		}
		a := arrival{tx: tx, reader: k.reader, bucket: k.bucket, now: now, at: now}
		a.Event = flattr.Event{ID: undo.ID, Kind: flattr.KindUndo, Click: undo.Click, At: now}
		a.body = bodyOf(k.reader, a.Event)
		if err := a.log(entry{result: flattr.Accepted}); err != nil {
			return err
		}
		log, last = append(log, undo), undo.ID
	}
	return tx.count(now, k, true, flattr.Logged{}, false, last)
}

const revokeTokensOf = `UPDATE oauth_token SET revoked = COALESCE(revoked, $1), agent = '', used = 0 WHERE member = $2`

const deleteCodesOf = `DELETE FROM oauth_code WHERE member = $1`

// revokeAll lets no program act for the member any more, and ends the
// applications the member has registered. Sessions of browsers end with the
// password.
func (tx *Tx) revokeAll(now time.Time, member flattr.MemberID) error {
	if _, err := tx.exec(revokeTokensOf, micros(now), int64(member)); err != nil {
		return fmt.Errorf("revoke tokens: %w", err)
	}
	if _, err := tx.exec(deleteCodesOf, int64(member)); err != nil {
		return fmt.Errorf("revoke codes: %w", err)
	}
	return tx.revokeAppsOf(now, member)
}

const deleteInvitesOf = `DELETE FROM invite WHERE minted_by = $1 AND used_by IS NULL`

// takeInvites lets nobody in any more in the name of a member who leaves.
func (tx *Tx) takeInvites(_ time.Time, member flattr.MemberID) error {
	if _, err := tx.exec(deleteInvitesOf, int64(member)); err != nil {
		return fmt.Errorf("take invites back: %w", err)
	}
	return nil
}

const insertRetired = `INSERT INTO retired_name (hash) VALUES ($1) ON CONFLICT DO NOTHING`

const eraseMember = `
UPDATE member SET name = $1, name_key = $2, password_hash = '', language = 'en', zone = 'UTC', deleted = $3 WHERE bucket = $4 AND id = $5`

const selectNameKey = `SELECT 1 FROM member WHERE name_key = $1`

// erase takes out of a member's row what tells who it was.
func (tx *Tx) erase(now time.Time, member flattr.MemberID) error {
	m, err := tx.member(member)
	if err != nil {
		return err
	}
	hash := nameHash(m.Name)
	if _, err := tx.exec(insertRetired, hash[:]); err != nil {
		return fmt.Errorf("retire name: %w", err)
	}
	for range idAttempts {
		name := flattr.NewDeletedName()
		var taken int
		err := tx.row(selectNameKey, flattr.NameKey(name)).Scan(&taken)
		if err == nil {
			continue
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("look for the name: %w", err)
		}
		n, err := tx.exec(eraseMember, name, flattr.NameKey(name), micros(now), member.Bucket(), int64(member))
		if err := one(n, err); err != nil {
			return fmt.Errorf("erase member: %w", err)
		}
		return tx.unnameLetters(m.Name, name)
	}
	return errors.New("no free name found")
}

// nameHash is by what the name of a deleted member is known.
func nameHash(name string) [sha256.Size]byte { return sha256.Sum256([]byte(flattr.NameKey(name))) }
