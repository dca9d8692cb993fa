//go:build unix

package osservice_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"flattr/daemon/osservice"
)

func unit(t *testing.T, options osservice.Options) string {
	t.Helper()
	text, err := osservice.Unit(options)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheUnitOfTheMachineIsHardened(t *testing.T) {
	text := unit(t, osservice.Options{Executable: "/usr/bin/flattrd"})
	for _, line := range []string{
		"ExecStart=/usr/bin/flattrd run", "DynamicUser=yes", "StateDirectory=flattrd", "StateDirectoryMode=0700", "RuntimeDirectory=flattrd",
		"UMask=0077", "Restart=always", "RestartSec=1", "NoNewPrivileges=yes", "MemoryDenyWriteExecute=yes", "ProtectSystem=strict",
		"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "WantedBy=multi-user.target",
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("unit lacks the line %s", line)
		}
	}
	for _, line := range []string{"\nPrivateUsers=", "\nProcSubset="} {
		if strings.Contains(text, line) {
			t.Errorf("unit has%s: the users of peers would not be found", line)
		}
	}
}

func TestTheUnitOfAUserStartsAtLogIn(t *testing.T) {
	text := unit(t, osservice.Options{Executable: "/home/a b/flattrd", User: true, Arguments: []string{"--ledger", "https://ledger.example"}})
	for _, line := range []string{`ExecStart="/home/a b/flattrd" run --ledger https://ledger.example`, "WantedBy=default.target", "RuntimeDirectory=flattr", "Restart=always", "RestartSec=1"} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("unit lacks the line %s:\n%s", line, text)
		}
	}
	if strings.Contains(text, "DynamicUser") {
		t.Error("a user's unit asks for DynamicUser, which only the machine's manager has")
	}
}

func TestSpecialCharactersInPathsDoNotReachTheUnit(t *testing.T) {
	text := unit(t, osservice.Options{Executable: "/opt/100%/$HOME/\n[Service]\nUser=root"})
	if !strings.Contains(text, "\nExecStart=/opt/100%%/$$HOME/\\n[Service]\\nUser=root run\n") {
		t.Errorf("unit:\n%s", text)
	}
}

func TestSystemdAcceptsBothUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "flattrd.service")
		text := unit(t, osservice.Options{Executable: program, User: user})
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("user %v: systemd-analyze verify: %v\n%s", user, err, out)
		}
		if user {
			continue
		}
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", path).CombinedOutput()
		_, level, found := strings.Cut(string(out), "exposure level for flattrd.service: ")
		if err != nil || !found {
			t.Fatalf("systemd-analyze security: %v\n%s", err, out)
		}
		exposure, err := strconv.ParseFloat(strings.Fields(level)[0], 64)
		if err != nil || exposure > 1.5 {
			t.Errorf("exposure = %v, %v, want 1.5 or less", exposure, err)
		}
	}
}

func TestASignalEndsTheRun(t *testing.T) {
	running := make(chan struct{})
	go func() {
		<-running
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	err := osservice.Run(func(ctx context.Context) error {
		close(running)
		<-ctx.Done()
		return nil
	})
	if err != nil {
		t.Errorf("Run = %v", err)
	}
}
