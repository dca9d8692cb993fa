package companion

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/clicklog"
	"flattr/daemon/control"
	"flattr/daemon/wire"
)

// keepingCompanion is one with its files only.
func keepingCompanion(t *testing.T, now time.Time) *Companion {
	t.Helper()
	c := &Companion{config: Config{State: t.TempDir(), Now: func() time.Time { return now }, Random: func(b []byte) { rand.Read(b) }, Log: silent}, hub: newHub()}
	c.keeper, c.couriers = newKeeper(c), newCouriers(c)
	if err := c.openFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.accounts.Close(); c.clicks.Close() })
	return c
}

func (c *Companion) member(t *testing.T, uid uint32, name string, clicks int) {
	t.Helper()
	now := c.config.Now()
	secret, err := c.accounts.NewTicket(now, uid)
	if err != nil {
		t.Fatal(err)
	}
	device, err := c.accounts.Enroll(t.Context(), now, hashOf(secret), uid, "chrome-extension://x")
	if err != nil {
		t.Fatal(err)
	}
	account, err := c.accounts.Link(t.Context(), now, device.ID, accounts.Account{UID: uid, Ledger: "https://l.example", Member: name, Name: name, Token: accounts.Token{Access: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range clicks {
		_, err := c.clicks.Append(t.Context(), now, clicklog.Event{
			Account: int64(account.ID), ID: fmt.Sprintf("019abc00-0000-7000-8000-%04d%08d", account.ID, n), Kind: clicklog.Click,
			At: "2026-11-22T07:59:00.000Z", Month: "2026-11", Thing: wire.Thing{URL: "https://" + name + ".example/" + strings.Repeat("&", 1900)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnExportHasEachClickOfItsUserOnce(t *testing.T) {
	c := keepingCompanion(t, time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	c.member(t, 1000, "ann", 150)
	c.member(t, 1001, "eve", 10)
	c.member(t, 1000, "anns-other", 3)
	seen, pages := map[string]bool{}, 0
	for cursor := ""; ; pages++ {
		page, err := c.export(context.Background(), 1000, cursor)
		if err != nil {
			t.Fatal(err)
		}
		// A page that was flattred chooses its address; an answer has its bound.
		if text, err := json.Marshal(page); err != nil || len(text) > 240<<10 {
			t.Errorf("page %d has %d bytes, %v", pages, len(text), err)
		}
		for _, click := range page.Clicks {
			if click.Account == "eve" || seen[click.ID] || !strings.Contains(click.URL, click.Account) {
				t.Errorf("the export of another user's, or a second time: %+v", click)
			}
			seen[click.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 153 || pages < 2 {
		t.Errorf("%d clicks on %d pages, want 153 on several", len(seen), pages+1)
	}
	if _, err := c.export(context.Background(), 1000, "nonsense"); err == nil || err.(*control.Problem).Code != "bad_cursor" {
		t.Errorf("a cursor that is none = %v, want bad_cursor", err)
	}
}
