//go:build bench

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"flattr/benchtable"
	"flattr/daemon/socket/sockettest"
	"flattr/programtest"
)

// What an idle companion may take, and its program.
const (
	mostMemory   = 16_000_000 // bytes resident
	mostWakeUps  = 9          // a minute
	mostBytes    = 14_000_000 // of the stripped program
	pairedIdle   = 3          // browsers
	startsToTake = 10         // the median of as many starts counts
)

// benchIdle lets a companion rest, three browsers paired and many clicks in its
// log, and counts what it does meanwhile.
func benchIdle(b *bench) {
	p := newParts(b.T, b.programs)
	p.startLedger()
	p.startCompanion()
	reader := p.signUp("ann")
	var devices []sockettest.Device
	for range pairedIdle {
		device := p.pair()
		p.signIn(reader, device, "ann")
		devices = append(devices, device)
	}
	if err := p.companion.Terminate(); err != nil {
		b.Fatal(err)
	}
	b.fill(filepath.Join(p.state, "clicks.db"), 1, b.log)
	p.startCompanion()
	p.report() // as a reader does once
	pid := p.companion.Cmd.Process.Pid
	pauseOr(b.Context(), b.idle*4/3) // the start is over, and the files have been looked through
	before := switches(b, pid)
	pauseOr(b.Context(), b.idle)
	woken, memory := switches(b, pid)-before, resident(b, pid)

	var connected []*sockettest.Client
	for _, device := range devices {
		connected = append(connected, p.connect(device))
	}
	pauseOr(b.Context(), b.idle/20)
	before = switches(b, pid)
	pauseOr(b.Context(), b.idle/2)
	withBrowsers, largest := switches(b, pid)-before, max(memory, resident(b, pid))
	for _, client := range connected {
		client.Close()
	}

	if log := p.companion.Log.String(); strings.Contains(log, "damaged") {
		b.Fatalf("the companion doubts the log it was given:\n%s", log)
	}
	floor := b.startFloor(filepath.Join(p.state, "clicks.db"))
	bare := resident(b, floor.Process.Pid)
	endFloor(b, floor)
	b.Add(benchtable.Row{
		What:     fmt.Sprintf("resident memory idle, %d browsers paired and connected, %s clicks in the log", pairedIdle, benchtable.Grouped(b.log)),
		Measured: megabytes(largest), Floor: fmt.Sprintf("%s allowed; an empty program with SQLite has %s", megabytes(mostMemory), megabytes(bare)),
		Ratio: float64(largest) / mostMemory, Reach: -1,
	})
	b.Add(benchtable.Row{
		What:     fmt.Sprintf("wake-ups in %s idle, no browser open", b.idle),
		Measured: fmt.Sprint(woken), Floor: fmt.Sprintf("%d allowed", mostWakeUps),
		Ratio: float64(woken) / mostWakeUps, Reach: -1,
	})
	b.Say("With %d browsers connected and silent the companion woke %d times in %s.", pairedIdle, withBrowsers, b.idle/2)
}

// switches counts how often the threads of a process have been given the
// processor.
func switches(b *bench, pid int) int {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) == 0 {
		b.Fatalf("no tasks of process %d: %v", pid, err)
	}
	total := 0
	for _, task := range tasks {
		for _, name := range []string{"voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"} {
			n, err := strconv.Atoi(benchtable.Field(task, name))
			if err != nil {
				b.Fatal(err)
			}
			total += n
		}
	}
	return total
}

// resident is the resident memory of a process in bytes, shared libraries and
// the program itself included.
func resident(b *bench, pid int) int {
	b.Helper()
	kibibytes, _, _ := strings.Cut(benchtable.Field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS"), " ")
	n, err := strconv.Atoi(kibibytes)
	if err != nil {
		b.Fatal(err)
	}
	return n << 10
}

func megabytes(bytes int) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// benchStart starts the companion on a long log and the empty program on the
// same file, in turn.
func benchStart(b *bench) {
	folder, err := os.MkdirTemp("", "flattr")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "clicks.db")
	b.fill(path, 1, b.long)
	port := programtest.FreePort(b.T)
	var ours, floor spread
	for range startsToTake {
		cmd, took := b.listening("flattrd", "run", "--state", folder, "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--ledger", "http://127.0.0.1:9")
		ours = append(ours, took)
		endFloor(b, cmd)
		cmd, took = b.listening("floor", path)
		floor = append(floor, took)
		endFloor(b, cmd)
	}
	b.Add(benchtable.Row{
		What:     fmt.Sprintf("start to listening, %s clicks in the log", benchtable.Grouped(b.long)),
		Measured: ours.at(0.5).Round(10 * time.Microsecond).String(),
		Floor:    floor.at(0.5).Round(10*time.Microsecond).String() + ", an empty program that opens the same file",
		Ratio:    float64(ours.at(0.5)) / float64(floor.at(0.5)), Reach: -2,
	})
}

// listening starts a program and waits until it says that it listens.
func (b *bench) listening(name string, args ...string) (*exec.Cmd, time.Duration) {
	b.Helper()
	cmd := exec.Command(filepath.Join(b.programs, name), args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	took := time.Since(start)
	if err != nil || !strings.Contains(line, "listening on") {
		b.Fatalf("%s says %q, %v", name, line, err)
	}
	return cmd, took
}

func (b *bench) startFloor(path string) *exec.Cmd {
	b.Helper()
	cmd, _ := b.listening("floor", path)
	return cmd
}

func endFloor(b *bench, cmd *exec.Cmd) {
	b.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}

// benchSizeOfProgram looks at the program as it is shipped.
func benchSizeOfProgram(b *bench) {
	info, err := os.Stat(filepath.Join(b.programs, "flattrd"))
	if err != nil {
		b.Fatal(err)
	}
	b.Add(benchtable.Row{
		What: "the companion's program, stripped", Measured: megabytes(int(info.Size())), Floor: megabytes(mostBytes) + " allowed",
		Ratio: float64(info.Size()) / mostBytes, Reach: -1,
	})
}
