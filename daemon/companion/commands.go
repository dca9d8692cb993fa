package companion

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"flattr/daemon/accounts"
	"flattr/daemon/control"
	"flattr/daemon/wire"
)

// command answers one of the reader's own commands. A user is told only what
// is theirs.
func (c *Companion) command(ctx context.Context, uid uint32, request control.Request) (any, error) {
	var answer any
	var err error
	switch request.Command {
	case control.Pair:
		answer, err = c.pair(ctx, uid)
	case control.Status:
		answer, err = c.report(ctx, uid)
	case control.Devices:
		answer, err = c.devices(ctx, uid)
	case control.Accounts:
		answer, err = c.accountsOf(ctx, uid)
	case control.Export:
		answer, err = c.export(ctx, uid, request.Argument)
	case control.Revoke:
		answer, err = c.revokeNamed(ctx, uid, request.Argument)
	case control.Metrics:
		answer, err = c.metrics(ctx, uid)
	case control.Profile:
		answer, err = c.profile(uid, request.Argument)
	default:
		return nil, &control.Problem{Code: string(wire.CodeUnknownMessage), Sentence: "The running companion does not know this command; restart it, it may be older than this program: flattrd restart"}
	}
	var problem *control.Problem
	if err != nil && !errors.As(err, &problem) {
		c.keeper.noticed(err)
		c.config.Log.Error("answer a command", "command", request.Command, "error", err)
	}
	return answer, err
}

// maxDevices is how many browsers of one user are paired at once; their list
// fits into one answer, and a program that pairs without end fills no disk.
const maxDevices = 200

// pair makes a ticket for the user who asks.
func (c *Companion) pair(ctx context.Context, uid uint32) (wire.TicketAnswer, error) {
	paired, err := c.accounts.Devices(ctx, c.config.Now(), uid)
	if err != nil {
		return wire.TicketAnswer{}, err
	}
	if len(paired) >= maxDevices {
		return wire.TicketAnswer{}, &control.Problem{Code: "too_many", Sentence: "You have paired 200 browsers. End those you do not use any more: flattrd devices, then flattrd revoke DEVICE"}
	}
	secret, err := c.accounts.NewTicket(c.config.Now(), uid)
	if errors.Is(err, accounts.ErrTooMany) {
		return wire.TicketAnswer{}, &control.Problem{Code: "too_many", Sentence: "Five pairings are waiting already. Use one of them, or try again in two minutes."}
	}
	if err != nil {
		return wire.TicketAnswer{}, err
	}
	ticket := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	return wire.TicketAnswer{Port: c.Port(), Ticket: ticket}, nil
}

// report says how the companion stands for one user of the machine.
func (c *Companion) report(ctx context.Context, uid uint32) (control.Report, error) {
	r := control.Report{
		Version: c.config.Version, Port: c.Port(), Ledger: c.config.Ledger, Started: c.started, Accounts: []control.Account{},
		Problems: c.storageProblems(),
	}
	devices, err := c.devices(ctx, uid)
	if err != nil {
		return r, err
	}
	r.Devices = len(devices)
	for _, device := range devices {
		if device.Present {
			r.Present++
		}
	}
	if refusal := c.server.LastRefusal(uid); refusal.Reason != "" {
		r.LastRefusal, r.RefusedAt = refusal.Reason, refusal.At
	}
	all, err := c.accountsOf(ctx, uid)
	if err != nil {
		return r, err
	}
	for _, account := range all.Accounts {
		if !account.SignedOut {
			r.Accounts = append(r.Accounts, account)
		}
	}
	return r, nil
}

// maxSignedOut bounds the accounts listed that are signed out: nobody looks for
// one among more, and each is figured out anew.
const maxSignedOut = 50

// accountsOf lists the user's accounts, the latest of the signed out as well.
func (c *Companion) accountsOf(ctx context.Context, uid uint32) (control.AccountList, error) {
	all, more, err := c.accounts.Latest(ctx, uid, maxSignedOut)
	if err != nil {
		return control.AccountList{}, err
	}
	browsers := map[accounts.AccountID]int{}
	devices, err := c.accounts.Devices(ctx, c.config.Now(), uid)
	if err != nil {
		return control.AccountList{}, err
	}
	for _, device := range devices {
		browsers[device.Account]++
	}
	list := control.AccountList{Accounts: make([]control.Account, len(all)), More: more}
	for i, account := range all {
		f, err := c.figures(ctx, account.ID)
		if err != nil {
			return control.AccountList{}, err
		}
		list.Accounts[i] = control.Account{
			Name: account.Name, Ledger: account.Ledger, Unsent: f.unsent, LastSync: f.synced,
			MeansMicro: f.meansMicro, Months: f.months, Problems: f.problems,
			Browsers: browsers[account.ID], SignedOut: account.Token == (accounts.Token{}),
		}
	}
	return list, nil
}

// devices lists the user's paired browsers.
func (c *Companion) devices(ctx context.Context, uid uint32) ([]control.Device, error) {
	all, err := c.accounts.Devices(ctx, c.config.Now(), uid)
	if err != nil {
		return nil, err
	}
	names := map[accounts.AccountID]string{}
	own, err := c.accounts.Accounts(ctx, uid)
	if err != nil {
		return nil, err
	}
	for _, account := range own {
		names[account.ID] = fmt.Sprintf("%s at %s", account.Name, account.Ledger)
	}
	list := make([]control.Device, len(all))
	for i, device := range all {
		list[i] = control.Device{
			ID: encodeID(device.ID), Origin: device.Origin, Account: names[device.Account],
			Made: device.Made, Used: device.Used, Present: len(c.hub.ofDevice(device.ID)) > 0,
		}
	}
	return list, nil
}

// minDevicePrefix is how much of a device's id has to be named; `devices`
// prints eight characters.
const minDevicePrefix = 4

// revokeNamed forgets the user's one device whose id begins as named.
func (c *Companion) revokeNamed(ctx context.Context, uid uint32, named string) (control.Device, error) {
	all, err := c.devices(ctx, uid)
	if err != nil {
		return control.Device{}, err
	}
	var found []control.Device
	for _, device := range all {
		if len(named) >= minDevicePrefix && strings.HasPrefix(device.ID, named) {
			found = append(found, device)
		}
	}
	if len(found) == 0 {
		return control.Device{}, &control.Problem{Code: "unknown_device", Sentence: "You have no device of this name. See: flattrd devices"}
	}
	if len(found) > 1 {
		return control.Device{}, &control.Problem{Code: "several_devices", Sentence: "Several of your devices begin so; name more of the id. See: flattrd devices --json"}
	}
	id, _ := decodeID(found[0].ID)
	if err := c.revoke(ctx, id, uid); err != nil {
		return control.Device{}, err
	}
	c.config.Log.Info("browser revoked", "uid", uid)
	return found[0], nil
}
