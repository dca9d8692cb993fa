package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"flattr/daemon/socket/sockettest"
)

// What a reader flattrs is nobody's business who reads the machine's log: a
// click that is answered, one that finds no ledger and a page that is refused
// leave no address in it.
func TestNoAddressGetsIntoTheLog(t *testing.T) {
	p := newParts(t, buildParts(t))
	p.startLedger()
	p.startCompanion()
	reader := p.signUp("ann")
	device := p.pair()
	p.signIn(reader, device, "ann")
	box := &outbox{parts: p, device: device, name: "a", acked: map[string]bool{}}
	for range 3 {
		box.make()
	}
	box.drain(t.Context())
	waitForSync(t, p)
	if said, err := exec.Command(filepath.Join(p.folder, "flattrd"), "status", "--state", p.state).CombinedOutput(); err != nil {
		t.Errorf("status of a companion that is well = %v, want exit code 0\n%s", err, said)
	}
	p.ledger.Kill()
	box.make() // this one finds no ledger
	box.drain(t.Context())
	if ws, err := sockettest.Dial(t.Context(), p.companionPort, "https://evil.example"); err == nil {
		ws.Close()
		t.Error("a page's origin was let in")
	}
	p.companion.Log.Await(t, "sync did not succeed", patience)
	if err := p.companion.Terminate(); err != nil {
		t.Error(err)
	}
	log := p.companion.Log.String()
	if !strings.Contains(log, "browser paired") {
		t.Errorf("this is not the companion's log:\n%s", log)
	}
	// The clicks' addresses end in .example; of the ledger only the port is told.
	if found := regexp.MustCompile(`\S*(\.example|://)\S*`).FindAllString(log, -1); len(found) > 0 {
		t.Errorf("the log names %q:\n%s", found, log)
	}
}
