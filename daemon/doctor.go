package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flattr/daemon/backup"
	"flattr/daemon/control"
	"flattr/daemon/database"
	"flattr/daemon/nativehost"
	"flattr/daemon/wire"
	"flattr/ledger/api"

	"github.com/spf13/cobra"
)

// Bounds of what doctor finds well.
const (
	oldBackup  = 8 * 24 * time.Hour // a machine that was off over a week's holiday aside
	littleRoom = 100 << 20          // bytes free: warned of
	noRoom     = 5 << 20            // bytes free: new clicks will soon be refused
	clockApart = 5 * time.Minute    // from the ledger's: near a month's end it decides where a click counts
)

// verdict is how one finding stands.
type verdict string

const (
	well verdict = "ok"
	look verdict = "look" // nothing is lost yet, but see to it
	ill  verdict = "bad"
)

// finding is what one check of doctor has found. A check that cannot be made
// here says why and is well.
type finding struct {
	Check    string  `json:"check"`
	Verdict  verdict `json:"verdict"`
	Sentence string  `json:"sentence"`
	Next     string  `json:"next,omitempty"` // what to do about it
}

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look for what may be wrong, and say what to do; exit code 0 when nothing is", Args: cobra.NoArgs,
		Long: "Looks at the files and who may read them, the databases as a whole, the backups, the room on the disk, the port, the ledger,\n" +
			"the clock, and whether browsers find the companion. It changes nothing.",
	}
	state := cmd.Flags().String("state", "", "folder of the companion's files (default: $FLATTR_STATE, your own companion, the machine's)")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		findings := examine(cmd.Context(), *state, time.Now)
		if err := show(cmd.OutOrStdout(), *asJSON, findings, findingsText(findings)); err != nil {
			return err
		}
		for _, f := range findings {
			if f.Verdict != well {
				return errUnwell
			}
		}
		return nil
	}
	return cmd
}

func findingsText(findings []finding) string {
	var text strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&text, "%-4s  %-9s  %s", f.Verdict, f.Check, f.Sentence)
		if f.Next != "" {
			fmt.Fprintf(&text, ". %s", f.Next)
		}
		text.WriteString("\n")
	}
	return text.String()
}

// examine makes all checks.
func examine(ctx context.Context, state string, now func() time.Time) []finding {
	var findings []finding
	var report control.Report
	asked := folders(state)
	err := control.Ask(ctx, asked, control.Status, &report)
	var problem *control.Problem
	switch {
	case err == nil:
		findings = append(findings, finding{"companion", well, fmt.Sprintf("runs, version %s", report.Version), ""})
	case errors.As(err, &problem):
		findings = append(findings, finding{"companion", ill, problem.Sentence, ""})
	default:
		findings = append(findings, finding{"companion", ill, err.Error(), "Restart it with: flattrd restart"})
	}
	findings = append(findings, examinePort(report.Port))
	folder, err := keptState(state)
	if err != nil {
		findings = append(findings, finding{"files", look, err.Error(), ""})
	} else {
		findings = append(findings, examineModes(folder))
		findings = append(findings, examineDatabases(ctx, folder)...)
		findings = append(findings, examineBackups(now(), folder), examineRoom(folder))
	}
	findings = append(findings, examineLedgers(ctx, report, now)...)
	return append(findings, examineHosts(os.Getenv("HOME")))
}

// examinePort dials the port of the running companion, or looks for one that
// it could take.
func examinePort(port int) finding {
	if port != 0 {
		conn, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err != nil {
			return finding{"port", ill, fmt.Sprintf("nobody answers at 127.0.0.1:%d", port), "Restart the companion with: flattrd restart"}
		}
		conn.Close()
		return finding{"port", well, fmt.Sprintf("127.0.0.1:%d answers", port), ""}
	}
	for port := wire.DefaultPort; port <= wire.LastPort; port++ {
		listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			listener.Close()
			return finding{"port", well, fmt.Sprintf("%d is free", port), ""}
		}
	}
	return finding{"port", ill, fmt.Sprintf("other programs hold all ports from %d to %d", wire.DefaultPort, wire.LastPort), "Name another with: flattrd run --listen 127.0.0.1:PORT"}
}

// namedFiles bounds how many files a finding names.
const namedFiles = 3

// examineModes looks for files of the companion that others may read or write.
func examineModes(folder string) finding {
	if os.PathSeparator != '/' {
		return finding{"files", well, folder + " has the access list of its owner's files", ""}
	}
	var open []string
	for _, path := range ownFiles(folder) {
		// Everybody may ask at the socket; the folder's mode says who comes that far.
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // not there yet, or gone meanwhile
		case err != nil:
			return finding{"files", look, err.Error(), ""}
		case info.Mode()&(fs.ModeSocket|fs.ModeSymlink) == 0 && info.Mode().Perm()&0o077 != 0:
			open = append(open, path)
		}
	}
	if len(open) == 0 {
		return finding{"files", well, folder + " is for its owner only", ""}
	}
	text := "others may read " + strings.Join(open[:min(len(open), namedFiles)], ", ")
	if more := len(open) - namedFiles; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return finding{"files", ill, text, fmt.Sprintf("Close them with: chmod -R go-rwx %s", folder)}
}

// ownFiles are the state folder and what the companion keeps in it; what else
// lies there is the reader's.
func ownFiles(folder string) []string {
	paths := []string{folder, backup.Folder(folder)}
	for _, file := range backup.Files {
		for _, pattern := range []string{file.Name + "*", filepath.Join(filepath.Base(backup.Folder(folder)), strings.TrimSuffix(file.Name, ".db")+"-*.db*")} {
			found, err := fs.Glob(os.DirFS(folder), filepath.ToSlash(pattern))
			if err != nil {
				continue // the patterns are good
			}
			for _, name := range found {
				paths = append(paths, filepath.Join(folder, filepath.FromSlash(name)))
			}
		}
	}
	return paths
}

// examineDatabases reads both as a whole.
func examineDatabases(ctx context.Context, folder string) []finding {
	var findings []finding
	for _, file := range backup.Files {
		name := strings.TrimSuffix(file.Name, ".db")
		err := file.Check(ctx, folder, true)
		switch {
		case err == nil:
			findings = append(findings, finding{name, well, "every page and every entry is as it was written", ""})
		case database.Damaged(err):
			findings = append(findings, finding{name, ill, err.Error(), "Restart the companion, which repairs it: flattrd restart"})
		case errors.Is(err, fs.ErrNotExist):
			findings = append(findings, finding{name, look, "there is no " + file.Name + " yet", "Start the companion with: flattrd start"})
		default:
			findings = append(findings, finding{name, look, err.Error(), ""})
		}
	}
	notes, err := backup.Notes(folder)
	if err != nil {
		return append(findings, finding{"repairs", look, err.Error(), ""})
	}
	for _, note := range notes {
		if !note.Command {
			findings = append(findings, finding{
				"repairs", look, fmt.Sprintf("%s was damaged on %s; %d entries were recovered, %d could not be read", note.File, note.At.Format(timeForm), note.Taken, note.Unread),
				fmt.Sprintf("Have the disk looked at; then delete %s*", filepath.Join(folder, note.Aside)),
			})
		}
	}
	return findings
}

func examineBackups(now time.Time, folder string) finding {
	copies, err := backup.List(backup.Folder(folder))
	if err != nil {
		return finding{"backups", look, err.Error(), ""}
	}
	for _, file := range backup.Files {
		due, err := backup.Due(now, folder, file, oldBackup)
		if err == nil && due {
			return finding{"backups", look, fmt.Sprintf("the newest backup of %s is older than a week, or there is none", file.Name), "Make one with: flattrd backup"}
		}
	}
	if len(copies) == 0 {
		return finding{"backups", look, "there are none yet", "Make one with: flattrd backup"}
	}
	return finding{"backups", well, fmt.Sprintf("%d, the newest of %s", len(copies), copies[0].At.Format(timeForm)), ""}
}

func examineRoom(folder string) finding {
	free, err := backup.Free(folder)
	text := fmt.Sprintf("%d MB free on the disk of %s", free>>20, folder)
	switch {
	case err != nil:
		return finding{"room", look, err.Error(), ""}
	case free < noRoom:
		return finding{"room", ill, text, "Free some space; without it new clicks stay in the browser"}
	case free < littleRoom:
		return finding{"room", look, text, "Free some space"}
	}
	return finding{"room", well, text, ""}
}

// examineLedgers asks each ledger something that needs no token: that it
// refuses is an answer, and tells its time.
func examineLedgers(ctx context.Context, report control.Report, now func() time.Time) []finding {
	origins := []string{report.Ledger}
	for _, account := range report.Accounts {
		if account.Ledger != report.Ledger {
			origins = append(origins, account.Ledger)
		}
	}
	var findings []finding
	for _, origin := range origins {
		if origin == "" {
			continue // the companion does not run and has not said
		}
		client, err := api.NewClient(origin, "doctor")
		if err != nil {
			findings = append(findings, finding{"ledger", ill, err.Error(), ""})
			continue
		}
		asked := now()
		_, meta, err := client.Account(ctx)
		if errors.Is(err, api.ErrAway) || meta.Date.IsZero() {
			findings = append(findings, finding{"ledger", look, fmt.Sprintf("%s does not answer: %v", origin, err), "Clicks wait and are sent later; is the network there?"})
			continue
		}
		findings = append(findings, finding{"ledger", well, origin + " answers", ""})
		apart := meta.Date.Add(time.Second / 2).Sub(asked.Add(now().Sub(asked) / 2)).Round(time.Second)
		if apart.Abs() > clockApart {
			findings = append(findings, finding{"clock", look, fmt.Sprintf("the ledger's clock and this machine's differ by %s", apart.Abs()), "Set this machine's clock"})
		} else {
			findings = append(findings, finding{"clock", well, fmt.Sprintf("differs from the ledger's by %s", apart.Abs()), ""})
		}
	}
	return findings
}

// hostFolders are where browsers on Linux look for the native host: for all
// users, and below a user's home.
var hostFolders = []string{
	"/etc/opt/chrome/native-messaging-hosts", "/etc/chromium/native-messaging-hosts", "/etc/opt/edge/native-messaging-hosts",
	"/etc/opt/brave/native-messaging-hosts", "/etc/opt/vivaldi/native-messaging-hosts", "/usr/lib/mozilla/native-messaging-hosts",
	"~/.config/google-chrome/NativeMessagingHosts", "~/.config/chromium/NativeMessagingHosts", "~/.config/microsoft-edge/NativeMessagingHosts",
	"~/.config/BraveSoftware/Brave-Browser/NativeMessagingHosts", "~/.config/vivaldi/NativeMessagingHosts", "~/.mozilla/native-messaging-hosts",
}

// examineHosts looks for manifests, and for the program each of them names.
func examineHosts(home string) finding {
	found := 0
	for _, folder := range hostFolders {
		if rest, own := strings.CutPrefix(folder, "~"); own {
			folder = home + rest
		}
		path := filepath.Join(folder, nativehost.ManifestName)
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var manifest struct {
			Path string `json:"path"`
		}
		if err := json.Unmarshal(text, &manifest); err != nil {
			return finding{"pairing", ill, path + " cannot be read by a browser", "Install the companion again"}
		}
		info, err := os.Stat(manifest.Path)
		if err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 && os.PathSeparator == '/' {
			return finding{"pairing", ill, fmt.Sprintf("%s names %s, which is no program", path, manifest.Path), "Install the companion again"}
		}
		found++
	}
	if found == 0 {
		return finding{"pairing", look, "no browser finds the companion by itself", "Pair by the line that this prints: flattrd pair"}
	}
	return finding{"pairing", well, fmt.Sprintf("%d browsers' folders name the companion", found), ""}
}
