// Package nativehost hands a ticket from the companion to the browser's own
// extension: one request, one answer.
//
// The browser starts the host only for the extensions its manifest names, so
// the browser vouches for the extension, and the operating system for the user.
package nativehost

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"flattr/daemon/wire"
)

// maxRequestBytes bounds what the browser may send; a request has 15 bytes.
const maxRequestBytes = 4 << 10

const chromiumScheme = "chrome-extension://"

// Called tells from the arguments after the program's name whether a browser
// has started the program as its native host: Chromium passes the extension's
// origin, Firefox the path of the manifest and the add-on's id.
func Called(args []string) bool {
	if len(args) > 0 && strings.HasPrefix(args[0], chromiumScheme) {
		return true
	}
	return len(args) > 1 && args[1] == FirefoxID && filepath.Base(args[0]) == ManifestName
}

// trusted tells whether the calling extension is ours. The manifest says the
// same; a manifest can be edited.
func trusted(args []string) bool {
	id, chromium := strings.CutPrefix(args[0], chromiumScheme)
	return !chromium || slices.Contains(ChromiumIDs, strings.TrimSuffix(id, "/"))
}

// Run answers the one request of the browser. pair asks the companion for a
// ticket; its expected failures come as an answer with a code and a sentence.
func Run(args []string, in io.Reader, out io.Writer, pair func() wire.TicketAnswer) error {
	answer := wire.TicketAnswer{Error: "not_trusted", Hint: "This browser extension is not Flattr's."}
	request, err := read(in)
	if err != nil {
		return err
	}
	switch {
	case request.Type != "pair":
		answer = wire.TicketAnswer{Error: string(wire.CodeUnknownMessage), Hint: "This companion knows only the request pair. Update the companion or the extension."}
	case trusted(args):
		answer = pair()
	}
	return write(out, answer)
}

// read takes one message: its length in the machine's byte order, then JSON.
func read(in io.Reader) (wire.TicketRequest, error) {
	var length uint32
	if err := binary.Read(in, binary.NativeEndian, &length); err != nil {
		return wire.TicketRequest{}, fmt.Errorf("read the browser's request: %w", err)
	}
	if length > maxRequestBytes {
		return wire.TicketRequest{}, errors.New("read the browser's request: it is too long")
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(in, text); err != nil {
		return wire.TicketRequest{}, fmt.Errorf("read the browser's request: %w", err)
	}
	var request wire.TicketRequest
	if err := json.Unmarshal(text, &request); err != nil {
		return wire.TicketRequest{}, fmt.Errorf("read the browser's request: %w", err)
	}
	return request, nil
}

func write(out io.Writer, answer wire.TicketAnswer) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("answer the browser: %w", err)
	}
	message := binary.NativeEndian.AppendUint32(nil, uint32(len(text)))
	if _, err := out.Write(append(message, text...)); err != nil {
		return fmt.Errorf("answer the browser: %w", err)
	}
	return nil
}
