package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// settlerVariable makes the test binary a process that settles crashMonth. Its
// value is where the ledger is, how many clicks a chunk has, the state from
// which on statements are counted, and the one before which the process kills
// itself (0: it does not), separated by |.
const settlerVariable = "FLATTR_TEST_SETTLER"

// crashMonth is the month that is settled in spite of crashes.
const crashMonth flattr.Month = 202611

// crashPoints is how many crashes there are on each store.
const crashPoints = 10

// countdown is a context that is asked before each statement whether it is
// over. It counts that, and kills the process when its number comes.
type countdown struct {
	context.Context
	asked atomic.Int64
	last  atomic.Int64 // 0: never
}

func (c *countdown) Err() error {
	if c.asked.Add(1) == c.last.Load() {
		// Nothing of the process runs on, as when kill -9 does it.
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return c.Context.Err()
}

// settleForTest is the process. It prints each state, behind the number of
// statements since the one before.
func settleForTest(out, errs io.Writer) int {
	fields := strings.Split(os.Getenv(settlerVariable), "|")
	chunk, err := strconv.Atoi(fields[1])
	from := flattr.State(fields[2])
	last, failed := strconv.ParseInt(fields[3], 10, 64)
	s, opened := store.OpenExisting(context.Background(), fields[0])
	if err := errors.Join(err, failed, opened); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	ctx := &countdown{Context: context.Background()}
	if from == flattr.Open {
		ctx.last.Store(last)
	}
	err = closing.Settlement{
		Store: s, Month: crashMonth, Now: crashMonth.FreezeAt(), Limits: closing.Limits{ChunkClicks: chunk},
		Say: func(format string, args ...any) {
			_, state, _ := strings.Cut(fmt.Sprintf(format, args...), ": ")
			if strings.Contains(state, " ") {
				return // no state, but how far it is on the way
			}
			fmt.Fprintf(out, "%d %s\n", ctx.asked.Swap(0), state)
			if from == flattr.State(state) {
				ctx.last.Store(last)
			}
		},
	}.Settle(ctx)
	if err := errors.Join(err, s.Close()); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	return 0
}

// settler is the command that runs the process.
func settler(ctx context.Context, where string, from flattr.State, last int64) *exec.Cmd {
	const clicksInChunk = 300
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d|%s|%d", settlerVariable, where, clicksInChunk, from, last))
	return cmd
}

// crashWorld is two months with all that a settlement has to do with: promises,
// co-authors, aliases, subscriptions, undos, late clicks and a fee.
func crashWorld(random *rand.Rand) string {
	const readers, authors, things = 120, 25, 240
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	line(`{"type":"policy","fee_bp":1234,"at":"2026-09-01T00:00:00Z"}`)
	for i := range authors {
		line(`{"type":"member","name":"a%d"}`, i)
	}
	for i := range readers {
		line(`{"type":"member","name":"r%d","budget":"%d.%02d","means":"%d.00"}`, i, 2+random.IntN(5), random.IntN(100), 8+random.IntN(60))
	}
	for i := range things {
		owner := random.IntN(authors)
		switch random.IntN(4) {
		case 0: // nobody's, for the time being
			line(`{"type":"thing","url":"https://t.example/%d"}`, i)
			if random.IntN(2) == 0 {
				line(`{"type":"claim","owner":"a%d","url":"https://t.example/%d","at":"2026-11-%02dT11:00:00Z"}`, owner, i, 5+random.IntN(25))
			}
		case 1:
			line(`{"type":"thing","url":"https://t.example/%d","owner":"a%d"}`, i, owner)
			line(`{"type":"parts","url":"https://t.example/%d","parts":[{"author":"a%d","bp":3333},{"author":"a%d","bp":6667}],"at":"2026-10-02T00:00:00Z"}`,
				i, owner, (owner+1)%authors)
		default:
			line(`{"type":"thing","url":"https://t.example/%d","owner":"a%d"}`, i, owner)
		}
		if i > 200 {
			line(`{"type":"alias","url":"https://t.example/%d","of":"https://t.example/%d","at":"2026-11-20T00:00:00Z"}`, i, random.IntN(200))
		}
	}
	n := 0
	for i := range readers {
		for range 4 + random.IntN(20) {
			n++
			month, day := 10, 1+random.IntN(28)
			if random.IntN(3) > 0 {
				month = 11
			}
			line(`{"type":"click","id":"c0000000-0000-4000-8000-%012d","reader":"r%d","url":"https://t.example/%d","at":"2026-%02d-%02dT12:00:00Z"}`,
				n, i, random.IntN(things), month, day)
			if random.IntN(8) == 0 {
				line(`{"type":"undo","id":"d0000000-0000-4000-8000-%012d","click":"c0000000-0000-4000-8000-%012d","reader":"r%d","at":"2026-%02d-%02dT13:00:00Z"}`,
					n, n, i, month, day)
			}
		}
		if random.IntN(5) == 0 {
			line(`{"type":"subscribe","id":"e0000000-0000-4000-8000-%012d","reader":"r%d","url":"https://t.example/%d","months":3,"at":"2026-10-%02dT14:00:00Z"}`,
				i, i, random.IntN(things), 1+random.IntN(28))
		}
	}
	return text.String()
}

// loaded loads a world into a fresh ledger.
func loaded(t *testing.T, where, world string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "world.ndjson")
	if err := os.WriteFile(file, []byte(world), 0o600); err != nil {
		t.Fatal(err)
	}
	ledger(t, "load", "--db", where, file)
}

// settled settles crashMonth and answers its statement.
func settled(t *testing.T, where string) string {
	t.Helper()
	now := crashMonth.FreezeAt().Format(time.RFC3339)
	ledger(t, "settle", "--db", where, "--month", crashMonth.String(), "--now", now)
	return ledger(t, "statement", "--db", where, "--month", crashMonth.String())
}

func TestCrashesOfASettlementChangeNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) { crash(t, where, 41, crashPoints) })
}

// crash settles a world undisturbed, and copies of it with a kill -9 somewhere,
// alternately at a random time and before a random statement. Whoever goes on
// comes to the same statement to the byte.
func crash(t *testing.T, where string, seed uint64, points int) {
	random := rand.New(rand.NewPCG(seed, 0))
	loaded(t, where, crashWorld(random))
	undisturbed := storetest.Copy(t, where)
	took, stages := measured(t, undisturbed)
	want := ledger(t, "statement", "--db", undisturbed, "--month", crashMonth.String())
	ledger(t, "audit", "--db", undisturbed)
	found := make(map[string]int)
	for point := range points {
		copied := storetest.Copy(t, where)
		what := ""
		if point%2 == 0 {
			// In each of the steps in turn. How many statements a step has depends a
			// little on who is faster, so its end is left to the times.
			step := stages[point/2%len(stages)]
			last := 1 + random.Int64N(max(1, step.statements*3/4))
			if step.from == flattr.Posted {
				last = 1 // the close is one small transaction: behind its first statements lies its end
			}
			what = fmt.Sprintf("before statement %d of %d from %s on", last, step.statements, step.from)
			killed(t, settler(t.Context(), copied, step.from, last), 0)
		} else {
			after := time.Duration(random.Int64N(int64(took)))
			what = fmt.Sprintf("after %s", after)
			killed(t, settler(t.Context(), copied, flattr.Open, 0), after)
		}
		found[monthState(t, copied)]++
		if got := settled(t, copied); got != want {
			t.Fatalf("seed %d, point %d, killed %s: the statement is\n%s\nundisturbed it is\n%s", seed, point, what, got, want)
		}
		ledger(t, "audit", "--db", copied)
	}
	var states []string
	for state, n := range found {
		states = append(states, fmt.Sprintf("%d %s", n, state))
	}
	slices.Sort(states)
	t.Logf("seed %d: %d kills in settlements of %s found the month: %s", seed, points, took.Round(time.Millisecond), strings.Join(states, ", "))
	for _, state := range []string{"open", "frozen", "computed", "posted"} {
		if points >= crashPoints && !slices.ContainsFunc(states, func(s string) bool { return strings.Contains(s, " "+state) }) {
			t.Errorf("seed %d: no kill found the month %s: %v", seed, state, states)
		}
	}
}

// stage is one step of a settlement.
type stage struct {
	from       flattr.State
	statements int64
}

// measured settles undisturbed in a process, and answers how long that took
// and how many statements each step has.
func measured(t *testing.T, where string) (time.Duration, []stage) {
	t.Helper()
	cmd := settler(t.Context(), where, flattr.Open, 0)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("settle: %v\n%s", err, errs.String())
	}
	var stages []stage
	from := flattr.Open
	for text := range strings.Lines(string(out)) {
		count, state, _ := strings.Cut(strings.TrimSpace(text), " ")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			t.Fatalf("the settlement said %q: %v", out, err)
		}
		stages = append(stages, stage{from, n})
		from = flattr.State(state)
	}
	if len(stages) != 4 {
		t.Fatalf("the settlement said %q, want four states", out)
	}
	return took, stages
}

// killed runs a process that is killed after a time, or kills itself. It may
// be done before.
func killed(t *testing.T, cmd *exec.Cmd, after time.Duration) {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
		t.Fatalf("settle: %v\n%s", err, errs.String())
	}
}

// monthState is how far crashMonth has come, in words.
func monthState(t *testing.T, where string) (state string) {
	t.Helper()
	s, err := store.OpenExisting(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Progress(crashMonth)
		state = string(p.State)
		if p.State == flattr.Frozen && p.NextBucket > 0 {
			state += " and partly computed"
		}
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return state
}
