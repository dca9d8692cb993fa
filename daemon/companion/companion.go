// Package companion joins socket, accounts, click log and couriers into the
// running companion.
package companion

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/clicklog"
	"flattr/daemon/control"
	"flattr/daemon/database"
	"flattr/daemon/socket"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

// Config is what a companion needs to run.
type Config struct {
	State        string // folder of its files, made with mode 0700
	Sockets      string // folder of the Unix socket for commands
	Port         int    // 0: the one used last, else the first free one of the usual ports
	Ledger       string // origin of the default ledger
	Version      string
	ExtensionIDs []string
	Now          func() time.Time
	Random       func([]byte)
	Log          *slog.Logger
	Visited      func() // called when a browser has come or gone; nil: nobody wants to know
}

// Companion is the running companion.
type Companion struct {
	config   Config
	accounts *accounts.Store
	clicks   *clicklog.Log
	server   *socket.Server
	lock     *os.File // held while this companion has the state to itself
	commands *control.Listener
	hub      *hub
	couriers *couriers
	links    *links
	keeper   *keeper
	counts   counters
	started  time.Time
	tasks    sync.WaitGroup // what is under way beside the connections
	acting   sync.RWMutex   // one change at a time of whom a device acts for: file and sessions agree
}

// Open reads the state and binds port and socket; Run serves them. An error that
// satisfies database.Full passes when there is room again.
func Open(ctx context.Context, config Config) (opened *Companion, err error) {
	defer func() {
		if database.Full(err) {
			err = fmt.Errorf("the disk is full; free some space in %s: %w", config.State, err)
		}
	}()
	origin, err := api.Origin(config.Ledger)
	if err != nil {
		return nil, err
	}
	config.Ledger = origin
	for _, folder := range []string{config.State, config.Sockets} {
		if err := makeFolder(folder); err != nil {
			return nil, fmt.Errorf("open state: %w", err)
		}
	}
	c := &Companion{config: config, hub: newHub(), started: config.Now()}
	c.keeper = newKeeper(c)
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	// The lock comes first: it is what tells a second companion on the same
	// state to keep its hands off, wherever its socket for commands is.
	if c.lock, err = Hold(config.State); err != nil {
		return nil, err
	}
	if c.commands, err = control.Listen(ctx, config.Sockets); err != nil {
		return nil, err
	}
	if err := c.keeper.begin(); err != nil {
		return nil, err
	}
	if err := c.openFiles(ctx); err != nil {
		return nil, err
	}
	listener, err := listen(ctx, config)
	if err != nil {
		return nil, err
	}
	c.server = socket.New(listener, socket.Config{
		Keys:         socket.Keys{Ticket: c.ticket, Enroll: c.enroll, Device: c.device},
		ExtensionIDs: config.ExtensionIDs, Serve: c.serve,
		Now: config.Now, Random: config.Random, Log: config.Log,
	})
	c.couriers = newCouriers(c)
	c.links = newLinks(c)
	return c, nil
}

// Port is the port the companion listens on.
func (c *Companion) Port() int { return c.server.Port() }

// Run serves browsers and commands and carries clicks until ctx ends.
func (c *Companion) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer c.close()
	defer c.tasks.Wait()
	defer cancel()
	if err := c.revokeUnused(ctx); err != nil {
		return err
	}
	if err := c.couriers.start(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	c.tasks.Go(func() { c.couriers.watchNetwork(ctx) })
	failed := make(chan error, 1)
	c.tasks.Go(func() {
		failed <- control.Serve(ctx, c.commands, c.config.Now, c.command)
		cancel()
	})
	c.tasks.Go(func() { c.countDays(ctx) })
	kept := make(chan error, 1)
	c.tasks.Go(func() {
		kept <- c.keeper.run(ctx)
		cancel()
	})
	err := c.server.Run(ctx)
	cancel()
	return errors.Join(err, <-failed, <-kept)
}

// revokeUnused forgets devices that nobody uses, before anybody is served: the
// port is bound already, and whoever dials waits these milliseconds.
func (c *Companion) revokeUnused(ctx context.Context) error {
	err := c.accounts.Sweep(ctx, c.config.Now())
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case database.Full(err):
		// A full disk is told of by the running companion, not by one that
		// does not start.
		c.config.Log.Error("revoke what is not used", "error", err)
		return nil
	default:
		return fmt.Errorf("open accounts: %w", err)
	}
}

// close closes what Open has opened.
func (c *Companion) close() {
	if c.commands != nil {
		c.commands.Close()
	}
	if c.accounts != nil {
		c.accounts.Close()
	}
	if c.clicks != nil {
		c.clicks.Close()
	}
	if c.lock != nil {
		c.keeper.end()
		c.lock.Close() // last: nothing of the state is open any more
	}
}

// Hold takes a state for the caller alone, until the file is closed. Its error
// says what to do when a companion runs on it.
func Hold(folder string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if err := lock(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("open state: another companion runs on %s; stop it first: flattrd stop; or, where no service manager started it, end the process flattrd run", folder)
	}
	return file, nil
}

// portFile keeps the port in the state, so that browsers find the companion
// where they left it.
const portFile = "port"

// listen binds the port that was asked for, the one used last, or the first
// free one of the usual ports.
func listen(ctx context.Context, config Config) (*net.TCPListener, error) {
	if config.Port != 0 {
		return socket.Listen(ctx, config.Port, config.Port)
	}
	path := filepath.Join(config.State, portFile)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the port used last: %w", err)
	}
	if port, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && port > 0 {
		if listener, err := socket.Listen(ctx, port, port); err == nil {
			return listener, nil
		}
	}
	listener, err := socket.Listen(ctx, wire.DefaultPort, wire.LastPort)
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := os.WriteFile(path, []byte(strconv.Itoa(port)+"\n"), 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("keep the port: %w", err)
	}
	return listener, nil
}

// ticket, enroll and device answer the socket's questions about keys.
func (c *Companion) ticket(hash socket.ID, uid uint32) ([]byte, error) {
	secret, err := c.accounts.Ticket(c.config.Now(), hash, uid)
	return secret, c.unknown(err)
}

func (c *Companion) enroll(ctx context.Context, hash socket.ID, uid uint32, origin string) (wire.Enrolled, error) {
	device, err := c.accounts.Enroll(ctx, c.config.Now(), hash, uid, origin)
	if err != nil {
		return wire.Enrolled{}, c.unknown(err)
	}
	c.keeper.accountsChanged()
	c.counts.pairings.Add(1)
	c.config.Log.Info("browser paired", "uid", uid)
	return wire.Enrolled{
		Type: wire.TypeEnrolled, Ledger: c.config.Ledger,
		Device: encodeID(device.ID), Key: base64.RawURLEncoding.EncodeToString(device.Key),
	}, nil
}

func (c *Companion) device(ctx context.Context, id socket.ID, uid uint32, origin string) ([]byte, uint32, error) {
	device, err := c.accounts.Device(ctx, c.config.Now(), accounts.DeviceID(id), uid, origin)
	return device.Key, device.UID, c.unknown(err)
}

func (c *Companion) unknown(err error) error {
	c.keeper.noticed(err)
	if errors.Is(err, accounts.ErrUnknown) {
		return socket.ErrUnknown
	}
	return err
}

func encodeID(id accounts.DeviceID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
