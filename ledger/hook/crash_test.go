package hook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// delivererVariable makes the test binary a ledger that takes clicks and
// delivers until it is killed. Its value is where the ledger is, the reader, and
// by how much its clock is ahead, separated by blanks.
const delivererVariable = "FLATTR_TEST_DELIVERER"

func TestMain(m *testing.M) {
	if os.Getenv(delivererVariable) != "" {
		fmt.Fprintln(os.Stderr, clickAndDeliver(os.Stdout))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// clickAndDeliver is the process. It prints the id of each delivery that is
// promised by a click which was acknowledged.
func clickAndDeliver(out io.Writer) error {
	var where, ahead string
	var reader int64
	_, err := fmt.Sscan(os.Getenv(delivererVariable), &where, &reader, &ahead)
	offset, bad := time.ParseDuration(ahead)
	st, opened := store.OpenExisting(context.Background(), where)
	if err := errors.Join(err, bad, opened); err != nil {
		return err
	}
	now := func() time.Time { return time.Now().Add(offset) }
	d := New(Config{
		Store: st, Client: NewClient(nil), Now: now, Log: slog.New(slog.DiscardHandler),
		ClaimURL: func(thing string) string { return thing },
	})
	delivering := make(chan error, 1)
	go func() {
		for {
			if err := d.Deliver(context.Background()); err != nil {
				delivering <- err
				return
			}
		}
	}()
	hooks, err := st.Hooks(context.Background())
	for err == nil {
		e := flattr.Event{ID: flattr.EventID(uuid.New()), Kind: flattr.KindClick, At: now()}
		e.Thing.URL = "https://partner.example/" + e.ID.String()
		if _, err = st.Record(context.Background(), now(), flattr.MemberID(reader), []flattr.Event{e}); err == nil {
			_, err = fmt.Fprintln(out, deliveryID(hooks[0].ID, e.ID))
		}
		select {
		case err = <-delivering:
		default:
		}
	}
	return err
}

// TestKillsLoseNoDelivery kills a ledger again and again while it takes clicks
// and delivers: each click that it acknowledged is delivered in the end, and none
// again but where a kill fell between a delivery and what is written of it.
func TestKillsLoseNoDelivery(t *testing.T) {
	const kills = 8
	storetest.Each(t, func(t *testing.T, where string) {
		r := newRing(t, where)
		acknowledged := map[string]bool{}
		for i := range kills {
			ahead := time.Duration(i) * leaseFor // what the one before held has ended
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", delivererVariable, where, r.reader, ahead))
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			// Killed by the partner, while it waits for the answer, or after some clicks.
			before, after := len(r.partner.deliveries()), 1+rand.IntN(20)
			if i%2 == 0 {
				r.partner.answers(func(_ http.ResponseWriter, n int) {
					if n >= before+after {
						_ = cmd.Process.Kill()
					}
				})
			}
			lines := bufio.NewScanner(out)
			for n := 0; lines.Scan(); n++ {
				if len(lines.Text()) == len(uuid.Nil.String()) {
					acknowledged[lines.Text()] = true
				}
				if i%2 == 1 && n == after {
					_ = cmd.Process.Kill()
				}
			}
			r.partner.answers(nil)
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the process ended with %v:\n%s", err, &errs)
			}
		}
		r.now = time.Now().Add(kills * leaseFor)
		for r.standing().Waiting > 0 && t.Context().Err() == nil {
			r.deliver()
		}
		got, again := map[string]bool{}, 0
		for _, d := range r.partner.deliveries() {
			id := d.header.Get(headerDelivery)
			if got[id] {
				again++
			}
			got[id] = true
		}
		for id := range acknowledged {
			if !got[id] {
				t.Errorf("the click of %s was acknowledged and is not delivered", id)
			}
		}
		if again > kills {
			t.Errorf("%d deliveries were made again after %d kills", again, kills)
		}
		t.Logf("%d kills: %d clicks acknowledged, %d delivered, %d times again", kills, len(acknowledged), len(got), again)
		if len(acknowledged) == 0 {
			t.Error("no click was acknowledged")
		}
	})
}
