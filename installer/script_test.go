package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program that answers as flattrd does where the script asks it.
const standIn = `#!/bin/sh
case "$1" in
version) echo "flattrd 1.0.0" ;;
native-host) echo "{}" ;;
uninstall)
	[ -z "$RUNS" ] || exit 1
	case "$*" in *--purge) rm -rf "$HOME/.local/state/flattr" ;; esac
	;;
esac
`

// unpacked is what is in the tar.gz, with a program that says what it is told to.
func unpacked(t *testing.T, program string) (folder string) {
	t.Helper()
	script, err := fill(string(mustRead("linux/tar/install.sh")), struct{ Version string }{"1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(t.TempDir(), "an archive")
	write(t, filepath.Join(folder, "install.sh"), string(script))
	write(t, filepath.Join(folder, "files/bin/flattrd"), program)
	write(t, filepath.Join(folder, "files/share/flattr/welcome.html"), "welcome")
	write(t, filepath.Join(folder, "browsers"), "chromium /nowhere .config/chromium/NativeMessagingHosts\n")
	return folder
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// underSystemd adds a systemctl to the environment that agrees to everything.
func underSystemd(t *testing.T, env ...string) []string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "systemctl"), "#!/bin/sh\n")
	return append(env, "PATH="+folder+":"+os.Getenv("PATH"))
}

// script runs the script for one user, in a world without a service manager.
func script(t *testing.T, folder string, env []string, args ...string) (string, error) {
	t.Helper()
	command := exec.Command("sh", append([]string{filepath.Join(folder, "install.sh"), "--user"}, args...)...)
	command.Dir = t.TempDir()
	command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	said, err := command.CombinedOutput()
	return string(said), err
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestTheScriptDeletesNothingOfAnotherHome(t *testing.T) {
	homes := t.TempDir()
	anna, both := filepath.Join(homes, "anna"), filepath.Join(homes, "anna maria")
	write(t, filepath.Join(anna, "letter"), "dear")
	write(t, filepath.Join(both, ".local/state/flattr/clicks.db"), "clicks")
	folder := unpacked(t, standIn)
	home := []string{"HOME=" + both}
	if said, err := script(t, folder, home); err != nil || !there(filepath.Join(both, ".local/bin/flattrd")) {
		t.Fatalf("install: %v: %s", err, said)
	}
	if said, err := script(t, folder, home, "uninstall"); err != nil || !strings.Contains(said, both+"/.local/state/flattr;") {
		t.Errorf("uninstall: %v: %s, want the whole folder of the clicks named", err, said)
	}
	if said, err := script(t, folder, home); err != nil {
		t.Fatalf("install again: %v: %s", err, said)
	}
	if said, err := script(t, folder, home, "uninstall", "--purge"); err != nil {
		t.Errorf("purge: %v: %s", err, said)
	}
	if !there(filepath.Join(anna, "letter")) {
		t.Error("the home of another user is gone")
	}
	for _, path := range []string{".local/state/flattr", ".local/bin/flattrd", ".local/share/flattr", ".config/chromium/NativeMessagingHosts/" + manifestName} {
		if there(filepath.Join(both, path)) {
			t.Errorf("%s is left", path)
		}
	}
}

func TestTheScriptPurgesOnlyWhatNothingRunsOn(t *testing.T) {
	home := t.TempDir()
	env := []string{"HOME=" + home}
	clicks, program := filepath.Join(home, ".local/state/flattr/clicks.db"), filepath.Join(home, ".local/bin/flattrd")
	folder := unpacked(t, standIn)
	if said, err := script(t, folder, env); err != nil {
		t.Fatalf("install: %v: %s", err, said)
	}
	write(t, clicks, "clicks")
	if said, err := script(t, folder, append(env, "RUNS=yes"), "uninstall", "--purge"); err == nil || !there(clicks) || !there(program) {
		t.Errorf("purge while a companion runs: %v: %s, want it refused and nothing deleted", err, said)
	}
	if said, err := script(t, folder, env, "uninstall"); err != nil || there(program) {
		t.Errorf("uninstall: %v: %s", err, said)
	}
	// The step that it has named works without the program, too.
	if said, err := script(t, folder, env, "uninstall", "--purge"); err != nil || there(clicks) {
		t.Errorf("purge after the removal: %v: %s", err, said)
	}
}

func TestAProgramThatDoesNotRunTakesNothingsPlace(t *testing.T) {
	home := t.TempDir()
	if said, err := script(t, unpacked(t, standIn), []string{"HOME=" + home}); err != nil {
		t.Fatalf("install: %v: %s", err, said)
	}
	calls := filepath.Join(home, "calls")
	write(t, filepath.Join(home, ".local/bin/flattrd"), strings.Replace(standIn, "\ncase", "\necho \"$1\" >>'"+calls+"'\ncase", 1))
	starts := filepath.Join(home, ".config/autostart/flattrd.desktop")
	before := there(starts)
	said, err := script(t, unpacked(t, "#!/bin/sh\nexit 126\n"), []string{"HOME=" + home})
	if err == nil || !strings.Contains(said, "does not run on this machine") {
		t.Errorf("a program of another architecture: %v: %s", err, said)
	}
	called, _ := os.ReadFile(calls)
	if strings.Contains(string(called), "uninstall") || there(starts) != before {
		t.Errorf("the companion that was there is not started any more; it was told %q", called)
	}
}

func TestAnUpgradeKeepsTheOptionsOfTheService(t *testing.T) {
	home := t.TempDir()
	calls := filepath.Join(home, "calls")
	writes := strings.Replace(standIn, "\ncase", "\necho \"$*\" >>'"+calls+"'\ncase", 1)
	env := underSystemd(t, "HOME="+home)
	for range 2 {
		if said, err := script(t, unpacked(t, writes), env); err != nil {
			t.Fatalf("install: %v: %s", err, said)
		}
	}
	called, _ := os.ReadFile(calls)
	if strings.Contains(string(called), "uninstall") || strings.Count(string(called), "install --again --user\nrestart --user\n") != 2 {
		t.Errorf("the companion is told %q, want its unit replaced by itself, which keeps the options", called)
	}
	starts := filepath.Join(home, ".config/autostart/flattrd.desktop")
	const own = "[Desktop Entry]\nExec=flattrd run --ledger https://ledger.example\n"
	write(t, starts, own)
	if said, err := script(t, unpacked(t, standIn), []string{"HOME=" + home}); err != nil {
		t.Fatalf("install where systemd does not run: %v: %s", err, said)
	}
	if now, err := os.ReadFile(starts); err != nil || string(now) != own {
		t.Errorf("the desktop starts the companion by %q, %v, want what was there", now, err)
	}
}

func TestWithoutAHomeTheScriptSaysSo(t *testing.T) {
	for _, env := range [][]string{nil, {"HOME="}, {"HOME=here"}} {
		said, err := script(t, unpacked(t, standIn), env)
		if err == nil || !strings.Contains(said, "HOME does not name your folder") {
			t.Errorf("with %v: %v: %s, want a sentence", env, err, said)
		}
	}
}
