package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/ledger/api"

	"github.com/google/uuid"
)

// TestEachAnswerOfTheLedgerReachesTheReader brings the real ledger to each of
// its answers: accepted, duplicate, late, refused for good, refused for now; and
// has it revoke the companion's token.
func TestEachAnswerOfTheLedgerReachesTheReader(t *testing.T) {
	programs := buildParts(t)
	t.Run("after forty days offline, and a revoked token", func(t *testing.T) { answersAfterAbsence(t, newParts(t, programs)) })
	t.Run("without means, and after the top-up", func(t *testing.T) { answersWithoutMeans(t, newParts(t, programs)) })
}

func answersAfterAbsence(t *testing.T, p *parts) {
	p.startLedger()
	p.startCompanion()
	device := p.pair()
	reader := p.signUp("ann")
	p.signIn(reader, device, "ann")
	client := p.connect(device)
	defer client.Close()

	// Forty days offline: the ledger is away while the reader clicks.
	p.ledger.Kill()
	offline := made(time.Now().AddDate(0, 0, -40), "https://a.example/offline")
	first, second := made(time.Now().Add(-2*time.Second), "https://a.example/1"), made(time.Now().Add(-time.Second), "http://www.a.example/1")
	broken := made(time.Now(), "https://a.example:99999/no-port")
	for _, click := range []wire.Flattr{offline, first, second, broken} {
		flattr(t, client, click)
	}
	p.startLedger()
	flattr(t, client, made(time.Now(), "https://a.example/2")) // wakes the courier
	waitForSync(t, p)
	rows := history(t, client)
	for _, want := range []struct {
		name  string
		click wire.Flattr
		state wire.State
		code  wire.Code
		month string
	}{
		{"made offline", offline, wire.StateLate, "", time.Now().UTC().Format("2006-01")},
		{"made today", first, wire.StateAccepted, "", time.Now().UTC().Format("2006-01")},
		{"made twice", second, wire.StateRefused, wire.CodeDuplicate, ""},
		{"for no address", broken, wire.StateRefused, api.CodeInvalid, ""},
	} {
		row, ok := rows[want.click.ID]
		if !ok || row.State != want.state || row.Code != want.code || row.At != want.click.At || (want.month != "" && row.Month != want.month) {
			t.Errorf("the click %s is %+v, want %s %s", want.name, row, want.state, want.code)
		}
		if want.state == wire.StateRefused && row.Code != wire.CodeDuplicate && row.Sentence == "" {
			t.Errorf("the click %s is refused without a reason: %+v", want.name, row)
		}
	}
	if row := rows[second.ID]; row.Counts != first.ID {
		t.Errorf("the second click names %q as the one that counts, want %s", row.Counts, first.ID)
	}

	// A token that is revoked: the clicks wait, and go out once the reader has
	// signed in again.
	p.revoke()
	waiting := made(time.Now(), "https://a.example/3")
	flattr(t, client, waiting)
	until(t, "the status asks to sign in again", func() bool { return p.hasProblem(wire.CodeSignInAgain) })
	if text := p.report().Text(); p.report().Accounts[0].Unsent != 1 || !strings.Contains(text, "Sign in again") {
		t.Errorf("with a revoked token: %s", text)
	}
	p.signIn(reader, device, "ann")
	waitForSync(t, p)
	if row := history(t, client)[waiting.ID]; row.State != wire.StateAccepted {
		t.Errorf("the click that waited is %+v, want accepted", row)
	}
	endBoth(t, p)
	t.Log(p.audit())
}

// answersWithoutMeans is about the one refusal that passes.
func answersWithoutMeans(t *testing.T, p *parts) {
	p.startLedger()
	p.startCompanion()
	device := p.pair()
	p.means = "0.00"
	p.signIn(p.signUp("bob"), device, "bob")
	client := p.connect(device)
	defer client.Close()
	old, fresh := made(time.Now().AddDate(0, 0, -40), "https://a.example/old"), made(time.Now(), "https://a.example/new")
	flattr(t, client, old)
	flattr(t, client, fresh)
	waitForSync(t, p)
	until(t, "the status says that means are lacking", func() bool { return p.hasProblem(api.CodeNoMeans) })
	for _, click := range []wire.Flattr{old, fresh} {
		if row := month(t, client)[click.ID]; row.State != wire.StateRefused || row.Code != api.CodeNoMeans || row.Sentence == "" {
			t.Errorf("the click of %s is %+v, want it in the month as refused for lack of means", click.At, row)
		}
	}
	p.tool("flattr-ledger", "credit", "bob", "10.00", "--ref", "one", "--db", p.db)
	flattr(t, client, made(time.Now(), "https://a.example/after")) // any reason to ask the ledger
	until(t, "both clicks count", func() bool {
		rows := month(t, client)
		return rows[old.ID].State == wire.StateLate && rows[fresh.ID].State == wire.StateAccepted
	})
	endBoth(t, p)
	t.Log(p.audit())
}

// until waits for something to be so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		pauseOr(t.Context(), 50*time.Millisecond)
	}
}

// hasProblem tells whether the companion's status names a problem.
func (p *parts) hasProblem(code wire.Code) bool {
	report := p.report()
	return len(report.Accounts) == 1 && slices.ContainsFunc(report.Accounts[0].Problems, func(problem wire.StatusProblem) bool {
		return problem.Code == code
	})
}

func made(at time.Time, address string) wire.Flattr {
	return wire.Flattr{
		Type: wire.TypeFlattr, ID: uuid.Must(uuid.NewV7()).String(), At: at.UTC().Format("2006-01-02T15:04:05.000Z"), Thing: wire.Thing{URL: address},
	}
}

func flattr(t *testing.T, client *sockettest.Client, click wire.Flattr) {
	t.Helper()
	var ack wire.Ack
	if err := client.Ask(click.ID, click, &ack); err != nil || ack.Type != wire.TypeAck {
		t.Fatalf("click = %+v, %v, want an ack", ack, err)
	}
}

// history and month give clicks by their ids, as the browser shows them.
func history(t *testing.T, client *sockettest.Client) map[string]wire.ClickRow {
	return page(t, client, wire.TypeHistory)
}

func month(t *testing.T, client *sockettest.Client) map[string]wire.ClickRow {
	return page(t, client, wire.TypeMonth)
}

func page(t *testing.T, client *sockettest.Client, kind wire.Type) map[string]wire.ClickRow {
	t.Helper()
	var answer wire.MonthPage
	if err := client.Ask("p", wire.MonthAsk{Type: kind, ID: "p"}, &answer); err != nil {
		t.Fatal(err)
	}
	rows := map[string]wire.ClickRow{}
	for _, row := range answer.Rows {
		rows[row.ID] = row
	}
	return rows
}

// revoke gives the companion's token back to the ledger behind its back.
func (p *parts) revoke() {
	p.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+p.state+"/accounts.db?mode=ro&_busy_timeout=5000")
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	var text string
	if err := db.QueryRow("SELECT token FROM account").Scan(&text); err != nil {
		p.t.Fatal(err)
	}
	var token accounts.Token
	if err := json.Unmarshal([]byte(text), &token); err != nil || token.Access == "" {
		p.t.Fatalf("the account's token: %v", err)
	}
	answer, err := http.PostForm(p.origin()+api.PathRevoke, url.Values{"token": {token.Access}, "client_id": {api.CompanionClient}})
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", answer.Status)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	answer.Body.Close()
}
