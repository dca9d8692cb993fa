package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"flattr/ledger/mail/mailtest"
)

// lettersVariable makes the test binary a mail server that keeps each letter as a
// file in the folder it names, 1.json first: tests in a browser read there what has
// come.
const lettersVariable = "FLATTR_TEST_LETTERS"

// letterFile is what is kept of a letter.
type letterFile struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// keepLetters prints where it listens, and serves until it is ended.
func keepLetters(folder string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, end, err := mailtest.Serve(mailtest.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer end()
	fmt.Printf("listening on %s\n", server.Addr)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for kept := 0; ; {
		select {
		case <-ctx.Done():
			return 0
		case <-tick.C:
		}
		for _, letter := range server.Letters()[kept:] {
			raw, err := json.Marshal(letterFile{letter.To, subjectOf(letter), letter.Text, letter.HTML})
			if err == nil {
				kept++
				err = keep(filepath.Join(folder, fmt.Sprintf("%d.json", kept)), raw)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
	}
}

// keep writes a file that is whole as soon as it is there.
func keep(name string, raw []byte) error {
	if err := os.WriteFile(name+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
