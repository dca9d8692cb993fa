package companion

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/daemon/accounts"
	"flattr/daemon/clicklog"
	"flattr/daemon/socket"
	"flattr/daemon/wire"

	"github.com/google/uuid"
)

// Bounds of a click's fields beside those of package wire. What is longer is
// cut where it is prose and refused where it identifies.
const (
	maxDescriptionRunes = 1000 // as old buttons had it
	maxWordRunes        = 64   // category, language, a tag, the form
	maxTags             = 20
	maxOwnerBytes       = 200
	maxThingIDBytes     = 20 // decimal digits of 64 bits
	fidBytes            = 6
)

// flattr stores a click and answers when it is durable.
func (s *session) flattr(ctx context.Context, click wire.Flattr) (any, error) {
	thing, ok := cleanThing(click.Thing)
	if !ok {
		return nack(click.ID, wire.CodeBadMessage, "The click names no thing: an http or https address, an id or a fid.", false), nil
	}
	return s.store(ctx, click.Account, clicklog.Event{
		ID: click.ID, Kind: clicklog.Click, At: click.At, Thing: thing, Form: cut(click.Form, maxWordRunes),
	})
}

// undo stores that a click is taken back and answers when it is durable.
func (s *session) undo(ctx context.Context, undo wire.Undo) (any, error) {
	if !isID(undo.Click) {
		return nack(undo.ID, wire.CodeBadMessage, "The undo names no click.", false), nil
	}
	return s.store(ctx, undo.Account, clicklog.Event{ID: undo.ID, Kind: clicklog.Undo, At: undo.At, Click: undo.Click})
}

// store appends an event for the device's account and acknowledges it.
func (s *session) store(ctx context.Context, clickedFor string, event clicklog.Event) (any, error) {
	at, err := time.Parse(time.RFC3339, event.At)
	if !isID(event.ID) || err != nil || len(event.At) > maxIDBytes {
		return nack(event.ID, wire.CodeBadMessage, "The id is no UUID of version 7, or the time is not in the form of RFC 3339.", false), nil
	}
	if delay := s.conn.ClickDelay(); delay > 0 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(delay):
		}
	}
	event.Month = at.UTC().Format(monthFormat)
	state, refusal, err := s.keep(ctx, clickedFor, &event)
	if err != nil || refusal != nil {
		return refusal, err
	}
	// The acknowledgement goes first: the ledger's answer, pushed as a click,
	// must not be overtaken by it.
	s.companion.counts.stored(event.Kind)
	s.send(wire.Ack{Type: wire.TypeAck, ID: event.ID, State: state})
	s.companion.stored(ctx, s, event)
	return nil, nil
}

// keep makes an event durable for the device's account, or says in a refusal
// why not. While it does, the account is not signed out, or there would be nobody
// left to send what was stored. An event the reader made for another account
// stays in the browser until the reader has been asked.
func (s *session) keep(ctx context.Context, clickedFor string, event *clicklog.Event) (state wire.State, refusal any, err error) {
	c := s.companion
	c.acting.RLock()
	defer c.acting.RUnlock()
	account := s.account()
	switch {
	case account == 0:
		return "", nack(event.ID, wire.CodeNotLinked, "Sign in first; the click waits in the browser.", true), nil
	case clickedFor != "" && clickedFor != formatAccount(account):
		return "", nack(event.ID, wire.CodeOtherAccount, "This click was made for another account.", true), nil
	case clickedFor == "":
		if account, err = c.holder(ctx, s.conn.UID, account, event.ID); err != nil {
			return "", nil, err
		}
	}
	event.Account = int64(account)
	state, err = c.clicks.Append(ctx, c.config.Now(), *event)
	if err != nil {
		c.counts.refused.Add(1)
	}
	switch {
	case errors.Is(err, clicklog.ErrReused):
		return "", nack(event.ID, wire.CodeIDReused, "This id belongs to another click.", false), nil
	case errors.Is(err, clicklog.ErrDegraded):
		c.config.Log.Error("store a click", "error", err)
		return "", nack(event.ID, wire.CodeDegraded, "The companion cannot write its log now; the click stays in the browser.", true), nil
	}
	return state, nil, err
}

// holder is the account for which an event that names none is stored: the
// present one, unless one of the user's others has it already. Then the
// acknowledgement was lost, and the reader has changed the account since; the
// click must not count for both.
func (c *Companion) holder(ctx context.Context, uid uint32, present accounts.AccountID, event string) (accounts.AccountID, error) {
	all, err := c.accounts.Accounts(ctx, uid)
	if err != nil {
		return 0, err
	}
	for _, account := range all {
		has, err := c.clicks.Has(ctx, int64(account.ID), event)
		if err != nil {
			return 0, err
		}
		if has {
			return account.ID, nil
		}
	}
	return present, nil
}

// stored tells of an event that is durable now: the courier, the statuses, and
// the account's other browsers.
func (c *Companion) stored(ctx context.Context, from *session, event clicklog.Event) {
	account := accounts.AccountID(event.Account)
	c.couriers.newClick(account)
	var others []*session
	for _, s := range c.hub.ofAccount(account) {
		s.touch()
		if s != from {
			others = append(others, s)
		}
	}
	if len(others) == 0 {
		return
	}
	if rows, err := c.clicks.Touched(ctx, event.Account, []string{event.ID}); err == nil {
		c.tell(ctx, others, account, rows)
	}
}

// monthFormat writes a month: 2026-11.
const monthFormat = "2006-01"

func nack(id string, code wire.Code, sentence string, retry bool) wire.Nack {
	return wire.Nack{Type: wire.TypeNack, ID: id, Code: code, Sentence: sentence, Retry: retry}
}

// isID tells whether text is a UUID of version 7 in its one canonical form.
func isID(text string) bool {
	id, err := uuid.Parse(text)
	return err == nil && id.Version() == 7 && id.String() == text
}

// cleanThing holds a thing to its bounds; false when it names nothing.
func cleanThing(thing wire.Thing) (wire.Thing, bool) {
	switch {
	case thing.URL != "":
		parsed, err := url.Parse(thing.URL)
		if err != nil || len(thing.URL) > wire.MaxURLBytes || parsed.Host == "" {
			return thing, false
		}
		if scheme := strings.ToLower(parsed.Scheme); scheme != "http" && scheme != "https" {
			return thing, false
		}
	case thing.ID != "":
		if len(thing.ID) > maxThingIDBytes || strings.Trim(thing.ID, "0123456789") != "" {
			return thing, false
		}
	case len(thing.FID) != fidBytes:
		return thing, false
	}
	if len(thing.ID) > maxThingIDBytes || len(thing.FID) > fidBytes || len(thing.Owner) > maxOwnerBytes {
		return thing, false
	}
	thing.Title = cut(thing.Title, wire.MaxTitleRunes)
	thing.Description = cut(thing.Description, maxDescriptionRunes)
	thing.Category = cut(thing.Category, maxWordRunes)
	thing.Language = cut(thing.Language, maxWordRunes)
	if len(thing.Tags) > maxTags {
		thing.Tags = thing.Tags[:maxTags]
	}
	for i, tag := range thing.Tags {
		thing.Tags[i] = cut(tag, maxWordRunes)
	}
	return thing, true
}

// cut shortens text to a number of characters.
func cut(text string, runes int) string {
	if utf8.RuneCountInString(text) <= runes {
		return text
	}
	return string([]rune(text)[:runes])
}

func decodeID(text string) (accounts.DeviceID, bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != len(accounts.DeviceID{}) {
		return accounts.DeviceID{}, false
	}
	return accounts.DeviceID(b), true
}

// revoke forgets a device of the user and closes its connections: once it
// returns, nothing the device has sent is stored any more. A device that is not
// known is as good as forgotten.
func (c *Companion) revoke(ctx context.Context, device accounts.DeviceID, uid uint32) error {
	c.acting.Lock()
	defer c.acting.Unlock()
	err := c.accounts.Revoke(ctx, device, uid)
	if errors.Is(err, accounts.ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	c.keeper.accountsChanged()
	c.links.end(device)
	for _, s := range c.hub.ofDevice(device) {
		s.acts.Store(0)
		s.conn.Close(socket.CloseUnknown, "device revoked")
	}
	return nil
}
