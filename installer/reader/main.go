// Command reader does what a browser with the extension does, so that the
// test of the packages can tell whether an installed companion serves one.
//
//	reader pair MANIFEST DEVICE     starts the native host as the manifest says, pairs, writes the device's key
//	reader connect DEVICE           proves the key and asks for the status
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
)

// patience bounds all of it; a companion answers within milliseconds.
const patience = 20 * time.Second

// device is what the extension keeps of a pairing.
type device struct {
	Origin string
	Port   int
	sockettest.Device
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "reader: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch {
	case len(args) == 3 && args[0] == "pair":
		return pair(ctx, args[1], args[2])
	case len(args) == 2 && args[0] == "connect":
		return connect(ctx, args[1])
	default:
		return errors.New("pair MANIFEST DEVICE, or connect DEVICE")
	}
}

// pair reads the manifest as a browser does and trusts only what it names.
func pair(ctx context.Context, manifest, file string) error {
	text, err := os.ReadFile(manifest)
	if err != nil {
		return err
	}
	var host struct {
		Name, Path, Type  string
		AllowedOrigins    []string `json:"allowed_origins"`
		AllowedExtensions []string `json:"allowed_extensions"`
	}
	if err := json.Unmarshal(text, &host); err != nil {
		return err
	}
	if host.Name != wire.NativeHost || host.Type != "stdio" {
		return fmt.Errorf("the manifest is of %s, %s", host.Name, host.Type)
	}
	// Firefox's pages have an origin of chance for each installation.
	origin, args := "moz-extension://5f1c9f0e-6a0f-4c1f-9d7e-0c5f1f0a3b11", []string{manifest}
	if len(host.AllowedOrigins) > 0 {
		args = []string{host.AllowedOrigins[0]}
		origin = host.AllowedOrigins[0][:len(host.AllowedOrigins[0])-1]
	} else {
		args = append(args, host.AllowedExtensions...)
	}
	ticket, err := askHost(ctx, host.Path, args)
	if err != nil {
		return err
	}
	made, err := sockettest.Pair(ctx, ticket.Port, origin, ticket.Ticket)
	if err != nil {
		return fmt.Errorf("pair: %w", err)
	}
	out, err := json.Marshal(device{origin, ticket.Port, made})
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, out, 0o600); err != nil {
		return err
	}
	return connect(ctx, file) // a key that is not proved within a minute is dropped
}

// askHost starts the program of the manifest and asks it for a ticket.
func askHost(ctx context.Context, path string, args []string) (wire.TicketAnswer, error) {
	request := []byte(`{"type":"pair"}`)
	host := exec.CommandContext(ctx, path, args...)
	host.Stdin = bytes.NewReader(append(binary.NativeEndian.AppendUint32(nil, uint32(len(request))), request...))
	host.Stderr = os.Stderr
	out, err := host.Output()
	if err != nil {
		return wire.TicketAnswer{}, fmt.Errorf("start the native host: %w", err)
	}
	if len(out) < 4 || int(binary.NativeEndian.Uint32(out)) != len(out)-4 {
		return wire.TicketAnswer{}, io.ErrUnexpectedEOF
	}
	var ticket wire.TicketAnswer
	if err := json.Unmarshal(out[4:], &ticket); err != nil {
		return wire.TicketAnswer{}, err
	}
	if ticket.Error != "" {
		return wire.TicketAnswer{}, fmt.Errorf("%s: %s", ticket.Error, ticket.Hint)
	}
	return ticket, nil
}

func connect(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var kept device
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	client, err := sockettest.Connect(ctx, kept.Port, kept.Origin, kept.Device)
	if err != nil {
		return fmt.Errorf("connect at port %d: %w", kept.Port, err)
	}
	defer client.Close()
	var status map[string]any
	if err := client.Ask("1", wire.Ask{Type: wire.TypeStatus, ID: "1"}, &status); err != nil {
		return fmt.Errorf("ask for the status: %w", err)
	}
	_, err = fmt.Println("connected, port", kept.Port, "status", status["type"])
	return err
}
