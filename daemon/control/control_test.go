package control_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/wire"
)

// serve answers commands in a folder of its own.
func serve(t *testing.T, handle control.Handler) (folder string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "flattr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	listener, err := control.Listen(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- control.Serve(ctx, listener, time.Now, handle) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return folder
}

func pair(_ context.Context, uid uint32, request control.Request) (any, error) {
	if uid != uint32(os.Getuid()) || request.Command != control.Pair {
		return nil, errors.New("another question")
	}
	return wire.TicketAnswer{Port: 17890, Ticket: "T"}, nil
}

func TestTheCompanionKnowsWhoAsks(t *testing.T) {
	folder := serve(t, pair)
	var got wire.TicketAnswer
	if err := control.Ask(t.Context(), []string{"/nowhere", folder}, control.Pair, &got); err != nil || got.Ticket != "T" {
		t.Errorf("Ask = %+v, %v, want the ticket", got, err)
	}
}

func TestFailuresTeachTheNextStep(t *testing.T) {
	folder := serve(t, func(context.Context, uint32, control.Request) (any, error) {
		return nil, &control.Problem{Code: "too_many", Sentence: "Wait two minutes."}
	})
	var problem *control.Problem
	err := control.Ask(t.Context(), []string{folder}, control.Pair, new(int))
	if !errors.As(err, &problem) || problem.Code != "too_many" || problem.Sentence != "Wait two minutes." {
		t.Errorf("an expected failure arrives as %v", err)
	}
	err = control.Ask(t.Context(), []string{t.TempDir()}, control.Pair, new(int))
	if !errors.As(err, &problem) || problem.Code != control.NotRunning || !strings.Contains(problem.Sentence, "flattrd start") {
		t.Errorf("without a companion: %v", err)
	}
	broken := serve(t, func(context.Context, uint32, control.Request) (any, error) { return nil, errors.New("secret detail") })
	err = control.Ask(t.Context(), []string{broken}, control.Pair, new(int))
	if !errors.As(err, &problem) || problem.Code != control.Internal || strings.Contains(err.Error(), "secret") {
		t.Errorf("an unexpected failure arrives as %v, want no detail", err)
	}
}

func TestAFolderOthersCanWriteIsNotTrusted(t *testing.T) {
	folder := serve(t, pair)
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	var problem *control.Problem
	if err := control.Ask(t.Context(), []string{folder}, control.Pair, new(int)); !errors.As(err, &problem) || problem.Code != control.NotTrusted {
		t.Errorf("folder with mode 777: %v, want not_trusted", err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	if err := control.Ask(t.Context(), []string{link}, control.Pair, new(int)); !errors.As(err, &problem) || problem.Code != control.NotTrusted {
		t.Errorf("a link to the folder: %v, want not_trusted", err)
	}
}

func TestAFolderOfAnotherUserIsNotTrusted(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	folder := serve(t, pair)
	if err := os.Chown(folder, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	var problem *control.Problem
	if err := control.Ask(t.Context(), []string{folder}, control.Pair, new(int)); !errors.As(err, &problem) || problem.Code != control.NotTrusted {
		t.Errorf("Ask = %v, want not_trusted: who listens does not own the folder", err)
	}
}

func TestASocketLeftByAKilledCompanionIsReplacedAndALiveOneIsNot(t *testing.T) {
	folder := serve(t, pair)
	if listener, err := control.Listen(t.Context(), folder); err == nil {
		listener.Close()
		t.Error("a second companion took the socket")
	}
	left, err := os.MkdirTemp("", "flattr")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(left)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(left, control.SocketName)})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	listener, err := control.Listen(t.Context(), left)
	if err != nil {
		t.Fatalf("Listen beside a dead socket: %v", err)
	}
	listener.Close()
}

func TestAPathTooLongForTheKernelIsSaidSo(t *testing.T) {
	if _, err := control.Listen(t.Context(), "/tmp/"+strings.Repeat("x", 120)); err == nil || !strings.Contains(err.Error(), "--state") {
		t.Errorf("Listen = %v, want a sentence that names --state", err)
	}
}

func TestGarbageOnTheSocketIsDropped(t *testing.T) {
	folder := serve(t, pair)
	for _, text := range []string{"garbage\n", "{}\n", strings.Repeat("x", 8<<10)} {
		conn, err := net.Dial("unix", filepath.Join(folder, control.SocketName))
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(text))
		conn.Close()
	}
	var got wire.TicketAnswer
	if err := control.Ask(t.Context(), []string{folder}, control.Pair, &got); err != nil {
		t.Errorf("Ask after garbage = %v", err)
	}
}

func TestFoldersAreSearchedInTheirOrder(t *testing.T) {
	env := map[string]string{"FLATTR_STATE": "/s", "XDG_RUNTIME_DIR": "/run/user/1"}
	got := control.Folders(func(name string) string { return env[name] })
	if want := "/s /run/user/1/flattr /run/flattrd"; strings.Join(got, " ") != want {
		t.Errorf("Folders = %v, want %s", got, want)
	}
	// Without a folder for sockets `flattrd run` puts its own beside its files.
	env = map[string]string{"HOME": "/home/ann"}
	got = control.Folders(func(name string) string { return env[name] })
	if want := "/home/ann/.local/state/flattr /run/flattrd"; strings.Join(got, " ") != want {
		t.Errorf("Folders = %v, want %s", got, want)
	}
}

func TestADeadSocketHidesNoCompanion(t *testing.T) {
	folder := serve(t, pair)
	left := t.TempDir()
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(left, control.SocketName)})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	var got wire.TicketAnswer
	if err := control.Ask(t.Context(), []string{left, folder}, control.Pair, &got); err != nil || got.Ticket != "T" {
		t.Errorf("Ask = %+v, %v, want the ticket of the companion that runs", got, err)
	}
}

func TestTheReportIsAlwaysFiveLines(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	full := control.Report{Version: "1", Port: 17890, Started: at, Devices: 2, Present: 1, LastRefusal: `Origin is "x"`, RefusedAt: at, Accounts: []control.Account{{
		Name: "ann", Ledger: "https://ledger.example", Unsent: 2, LastSync: at,
		Months:   []wire.MonthSummary{{Month: "2026-11", BudgetMicro: 2_000_000, Clicks: 30, Promises: 1, ShareMicro: 66_666}, {Month: "2026-10", BudgetMicro: 5_500_000}},
		Problems: []wire.StatusProblem{{Code: "ledger_away", Sentence: "The ledger does not answer."}},
	}}}
	for _, report := range []control.Report{{}, full} {
		if got := strings.Count(report.Text(), "\n"); got != 5 {
			t.Errorf("%d lines, want 5:\n%s", got, report.Text())
		}
		if report.Well() {
			t.Errorf("a report with something to do is well:\n%s", report.Text())
		}
	}
	for _, want := range []string{"2026-11: budget 2.00 EUR, 30 clicks, 0.066 EUR each, 1 promise, 2026-10: budget 5.50 EUR, 0 clicks", "2 paired, 1 connected", `Origin is "x"`, "2, last sync 2026-11-22 08:00 UTC", "does not answer"} {
		if !strings.Contains(full.Text(), want) {
			t.Errorf("report lacks %q:\n%s", want, full.Text())
		}
	}
	full.Accounts[0].Problems = nil
	if !full.Well() {
		t.Error("a report without problems is not well")
	}
}

func TestACompanionThatHangsIsSaidSo(t *testing.T) {
	folder := filepath.Dir(silent(t))
	var problem *control.Problem
	if err := control.Ask(t.Context(), []string{folder}, control.Pair, nil); !errors.As(err, &problem) || problem.Code != control.Silent {
		t.Errorf("Ask = %v, want %s", err, control.Silent)
	}
}

// silent listens where a companion would and never answers, as one does that
// is stopped by a debugger.
func silent(t *testing.T) (path string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "flattr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	path = filepath.Join(folder, control.SocketName)
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return path
}
