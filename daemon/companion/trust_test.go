package companion_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

// connectOnce tries until it is told something other than that there is too much.
func (w *world) connectOnce(device sockettest.Device) error {
	for {
		client, err := sockettest.Connect(w.t.Context(), w.Port(), chrome, device)
		if err == nil {
			client.Close()
			return nil
		}
		if codeOf(err) != socket.CloseTooMany {
			return err
		}
		select {
		case <-w.t.Context().Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func codeOf(err error) int {
	var end *websocket.CloseError
	if errors.As(err, &end) {
		return end.Code
	}
	return 0
}

// A cloned profile holds the same key and the same outbox.
func TestAClonedProfileCountsNothingTwiceAndCanBeRevoked(t *testing.T) {
	w := begin(t)
	device := w.pair(chrome)
	original := w.connect(chrome, device)
	w.signIn(original)
	clone := w.connect(chrome, device)
	flattr := click("https://a.example/1")
	for name, client := range map[string]*sockettest.Client{"the original": original, "the clone": clone} {
		if ack := ask[wire.Ack](t, client, flattr, flattr.ID); ack.Type != wire.TypeAck {
			t.Errorf("%s: answer = %+v, want an ack", name, ack)
		}
	}
	eventually(t, original, "the click sent", func(s wire.Status) bool { return s.Unsent == 0 && s.LastSync != "" })
	if got := w.ledger.counted(); got != 1 {
		t.Errorf("the ledger counts %d, want 1", got)
	}
	page := ask[wire.MonthPage](t, clone, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h")
	if len(page.Rows) != 1 {
		t.Errorf("history has %d rows, want 1", len(page.Rows))
	}
	// One of them cannot throw the other out by its own name.
	retire := wire.Retire{Type: wire.TypeRetire, ID: "r", Device: base64.RawURLEncoding.EncodeToString(device.ID[:])}
	if problem := ask[wire.Problem](t, clone, retire, "r"); problem.Code != wire.CodeBadMessage {
		t.Errorf("a device that retires itself: %+v, want bad_message", problem)
	}
	// The reader ends both at once, by the name that `devices` prints.
	var devices []control.Device
	if err := control.Ask(t.Context(), []string{w.state}, control.Devices, &devices); err != nil || len(devices) != 1 {
		t.Fatalf("devices = %+v, %v, want one for both", devices, err)
	}
	var gone control.Device
	if err := control.AskAbout(t.Context(), []string{w.state}, control.Request{Command: control.Revoke, Argument: devices[0].ID[:8]}, &gone); err != nil || gone.ID != devices[0].ID {
		t.Fatalf("revoke = %+v, %v", gone, err)
	}
	for name, client := range map[string]*sockettest.Client{"the original": original, "the clone": clone} {
		if got := sockettest.CloseCode(client.WS); got != socket.CloseUnknown {
			t.Errorf("%s after it was revoked: close code = %d, want 4401", name, got)
		}
	}
	if err := w.connectOnce(device); codeOf(err) != socket.CloseUnknown {
		t.Errorf("a revoked key: %v, want 4401", err)
	}
}

// What a browser has sent before it was revoked, and is answered later for being
// too fast, is not stored any more once `flattrd revoke` has said so.
func TestARevokedBrowserStoresNothingThatIsUnderWay(t *testing.T) {
	w := begin(t)
	client := w.linked()
	const atOnce, all = 20, 28 // clicks taken at once, and eight more that wait
	for range all {
		if err := client.Send(click("https://a.example/" + newID())); err != nil {
			t.Fatal(err)
		}
	}
	acked := 0
	read := func() error {
		var answer wire.Ack
		err := client.Read(&answer)
		if err == nil && answer.Type == wire.TypeAck {
			acked++
		}
		return err
	}
	for acked < atOnce {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	var devices []control.Device
	if err := control.Ask(t.Context(), []string{w.state}, control.Devices, &devices); err != nil || len(devices) != 1 {
		t.Fatalf("devices = %+v, %v, want one", devices, err)
	}
	revoke := control.Request{Command: control.Revoke, Argument: devices[0].ID}
	if err := control.AskAbout(t.Context(), []string{w.state}, revoke, new(control.Device)); err != nil {
		t.Fatal(err)
	}
	// A browser that says no goodbye keeps the connection as long as it can.
	client.WS.SetCloseHandler(func(int, string) error { return nil })
	for err := error(nil); err == nil; {
		err = read()
	}
	_, _ = io.Copy(io.Discard, client.WS.NetConn())
	var page control.ExportPage
	if err := control.Ask(t.Context(), []string{w.state}, control.Export, &page); err != nil || len(page.Clicks) != acked {
		t.Errorf("%d clicks are stored, %v, want the %d that were acknowledged before the browser was revoked", len(page.Clicks), err, acked)
	}
}

func TestRevokingWantsOneDeviceOfOnesOwn(t *testing.T) {
	w := begin(t)
	w.connect(chrome, w.pair(chrome))
	for _, named := range []string{"", "abc", "nosuchdevice", "%", "../.."} {
		var problem *control.Problem
		err := control.AskAbout(t.Context(), []string{w.state}, control.Request{Command: control.Revoke, Argument: named}, new(control.Device))
		if !errors.As(err, &problem) || problem.Code != "unknown_device" {
			t.Errorf("revoke %q = %v, want unknown_device", named, err)
		}
	}
}

// A machine whose clock stands far in the future when it starts forgets nobody.
func TestAClockFarInTheFutureRevokesNobody(t *testing.T) {
	t.Parallel()
	state, l := short(t), newLedger(t)
	w := run(t, state, l)
	device := w.pair(chrome)
	status(t, w.connect(chrome, device)) // it has proved its key, and the companion has noted it
	w.stop()
	const wrong = 40 * 365 * 24 * time.Hour
	w = runAt(t, state, l, func() time.Time { return time.Now().Add(wrong) })
	if err := w.connectOnce(device); err != nil {
		t.Errorf("forty years ahead: %v, want the browser let in", err)
	}
	// Tickets live by the time that passes, not by what the clock is set to.
	if w.pair(chrome).ID == device.ID {
		t.Error("pairing gave the same device")
	}
	w.stop()
	w = run(t, state, l)
	if err := w.connectOnce(device); err != nil {
		t.Errorf("after the clock was put right: %v, want the browser let in", err)
	}
}

// hearsOfNoOther demands that a connection is told nothing before the answer to
// its own question, but for the status of the member's own account, which comes
// with each look at the ledger.
func hearsOfNoOther(t *testing.T, client *sockettest.Client, who, own string) {
	t.Helper()
	if err := client.Send(wire.Ask{Type: wire.TypePing, ID: "quiet"}); err != nil {
		t.Fatal(err)
	}
	for {
		var raw json.RawMessage
		if err := client.Read(&raw); err != nil {
			t.Fatal(err)
		}
		var header wire.Header
		if err := json.Unmarshal(raw, &header); err != nil {
			t.Fatal(err)
		}
		if header.ID == "quiet" {
			return
		}
		var status wire.Status
		if header.Type == wire.TypeStatus {
			if err := json.Unmarshal(raw, &status); err != nil {
				t.Fatal(err)
			}
			if status.Account != nil && status.Account.Name == own {
				continue
			}
		}
		t.Errorf("%s is told %s", who, raw)
	}
}
