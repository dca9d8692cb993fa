// Package world loads members, things, clicks and money from a file of one
// JSON object a line, as an operator imports them.
package world

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// kind is the type of a line.
type kind string

// The types of lines.
const (
	memberLine    kind = "member"
	thingLine     kind = "thing"
	policyLine    kind = "policy"
	aliasLine     kind = "alias"
	claimLine     kind = "claim"
	partsLine     kind = "parts"
	creditLine    kind = "credit"
	returnLine    kind = "return"
	refundLine    kind = "refund"
	budgetLine    kind = "budget"
	subscribeLine kind = "subscribe"
	pauseLine     kind = "pause"
	stopLine      kind = "stop"
	clickLine     kind = "click"
	undoLine      kind = "undo"
	deleteLine    kind = "delete"
)

// ranks order lines that arrive at the same instant: what others need comes
// first. Clicks and undos are ordered by their own time.
var ranks = map[kind]int8{
	memberLine: 0, thingLine: 1, policyLine: 2, aliasLine: 3, claimLine: 4, partsLine: 5, creditLine: 6, returnLine: 7,
	refundLine: 8, budgetLine: 9, subscribeLine: 10, pauseLine: 11, stopLine: 12, clickLine: 13, undoLine: 13, deleteLine: 14,
}

// timed reports whether a line has a time of its own beside its arrival.
func (k kind) timed() bool { return k == clickLine || k == undoLine }

// beforeAll is when a line without a time arrives: before everything else.
var beforeAll = time.UnixMicro(0).UTC()

// The years that a time may lie in; others are slips.
const (
	firstYear = 1970
	lastYear  = 2999
)

// fields are the fields of all lines.
type fields struct {
	Type          kind    `json:"type"`
	Name          string  `json:"name"`
	Budget        *string `json:"budget"`
	Means         *string `json:"means"`
	URL           string  `json:"url"`
	Owner         string  `json:"owner"`
	Title         string  `json:"title"`
	ID            string  `json:"id"`
	Reader        string  `json:"reader"`
	Click         string  `json:"click"`
	At            string  `json:"at"`
	Arrived       string  `json:"arrived"`
	Amount        *string `json:"amount"`
	Ref           string  `json:"ref"`
	FeeBP         *int64  `json:"fee_bp"`
	PromiseMonths *int64  `json:"promise_months"`
	MaxBudget     *string `json:"max_budget"`
	Subscription  string  `json:"subscription"`
	Months        *int    `json:"months"`
	On            *bool   `json:"on"`
	Of            string  `json:"of"`
	Parts         []part  `json:"parts"`
}

// part is one author of a line of parts.
type part struct {
	Author string `json:"author"`
	BP     int    `json:"bp"`
}

// setting is a policy with the value to set.
type setting struct {
	name  store.Policy
	value int64
}

// line is a line that makes sense by itself; its names are not looked up yet.
type line struct {
	fields
	at      time.Time // own time of a click or undo
	arrived time.Time
	id      flattr.EventID
	click   flattr.EventID
	budget  money.Micro
	amount  money.Micro // means of a member, or of a top-up
}

// parse reads a line, or says what is wrong with it.
func parse(text []byte) (line, error) {
	var l line
	if !utf8.Valid(text) {
		return l, errors.New("malformed: not UTF-8")
	}
	// The type first: a line of an unknown type has fields of its own.
	var of struct {
		Type *kind `json:"type"`
	}
	if err := json.Unmarshal(text, &of); err != nil {
		return l, fmt.Errorf("malformed: %w", plain(err))
	}
	switch {
	case of.Type == nil:
		return l, errors.New("malformed: no type")
	}
	if _, known := ranks[*of.Type]; !known {
		return l, fmt.Errorf("unknown type %.40q", *of.Type)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l.fields); err != nil {
		return l, fmt.Errorf("malformed: %w", plain(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("malformed: more than one object")
	}
	if err := l.times(); err != nil {
		return l, fmt.Errorf("malformed: %w", err)
	}
	if err := l.check(); err != nil {
		return l, fmt.Errorf("malformed: %w", err)
	}
	return l, nil
}

// plain says what is wrong with JSON without the words of the program.
func plain(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &wrong):
		return err
	case wrong.Field == "":
		return errors.New("not a JSON object")
	}
	return fmt.Errorf("%s cannot be of the JSON type %s", wrong.Field, wrong.Value)
}

// times reads at and arrived.
func (l *line) times() (err error) {
	l.arrived = beforeAll
	if l.At == "" {
		if l.Type != memberLine && l.Type != thingLine {
			return errors.New("no at")
		}
	} else if l.arrived, err = parseTime(l.At); err != nil {
		return fmt.Errorf("at: %w", err)
	}
	l.at = l.arrived
	if l.Arrived == "" {
		return nil
	}
	if !l.Type.timed() {
		return errors.New("only clicks and undos have arrived beside at")
	}
	if l.arrived, err = parseTime(l.Arrived); err != nil {
		return fmt.Errorf("arrived: %w", err)
	}
	return nil
}

// parseTime reads a time of RFC 3339, which lets T and Z be in lower case too.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, strings.ToUpper(s))
	if err != nil || t.UTC().Year() < firstYear || t.UTC().Year() > lastYear {
		return t, fmt.Errorf("%.40q is no time such as 2026-10-03T12:00:00Z", s)
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// check reads what else the type of line needs.
func (l *line) check() (err error) {
	switch l.Type {
	case memberLine:
		if l.budget, err = amount("budget", l.Budget, flattr.DefaultBudget); err == nil {
			l.amount, err = amount("means", l.Means, 0)
		}
		return cmp.Or(need("name", l.Name), err)
	case thingLine:
		return need("url", l.URL)
	case policyLine:
		_, err := l.policies()
		return err
	case aliasLine:
		return cmp.Or(need("url", l.URL), need("of", l.Of))
	case claimLine:
		return cmp.Or(need("owner", l.Owner), need("url", l.URL))
	case partsLine:
		return cmp.Or(need("url", l.URL), l.checkParts())
	case creditLine, returnLine, refundLine:
		return l.checkMoney()
	case budgetLine:
		if l.Budget == nil {
			return errors.New("no budget")
		}
		l.budget, err = amount("budget", l.Budget, 0)
		return cmp.Or(need("name", l.Name), err)
	case deleteLine:
		return need("name", l.Name)
	case subscribeLine, pauseLine, stopLine, clickLine, undoLine:
		return l.checkReader()
	}
	return fmt.Errorf("unknown type %q", l.Type)
}

// checkReader checks a line of a reader, who clicks or subscribes.
func (l *line) checkReader() (err error) {
	if err := need("reader", l.Reader); err != nil {
		return err
	}
	id := l.ID
	if l.Type == pauseLine || l.Type == stopLine {
		id = l.Subscription
	}
	if l.id, err = flattr.ParseEventID(id); err != nil {
		return err
	}
	switch l.Type {
	case undoLine:
		l.click, err = flattr.ParseEventID(l.Click)
		return err
	case subscribeLine:
		if m := l.Months; m != nil && *m != 3 && *m != 6 && *m != 12 {
			return errors.New("months are 3, 6 or 12")
		}
	case pauseLine, stopLine:
		return nil
	}
	return need("url", l.URL)
}

// checkMoney checks a line that brings or takes money.
func (l *line) checkMoney() (err error) {
	if l.amount, err = amount("amount", l.Amount, 0); err == nil && l.amount == 0 {
		err = errors.New("no amount above 0.00")
	}
	if len(l.Ref) > store.MaxRefBytes {
		return fmt.Errorf("ref is longer than %d bytes", store.MaxRefBytes)
	}
	return cmp.Or(err, need("name", l.Name), need("ref", l.Ref))
}

// checkParts checks what needs no names: that the parts add up.
func (l *line) checkParts() error {
	sum := 0
	for _, p := range l.Parts {
		if p.BP < 1 || p.BP > flattr.AllParts {
			return fmt.Errorf("bp is from 1 to %d", flattr.AllParts)
		}
		if err := need("author", p.Author); err != nil {
			return err
		}
		if sum += p.BP; sum > flattr.AllParts {
			break
		}
	}
	if sum != flattr.AllParts {
		return fmt.Errorf("parts do not add up to %d", flattr.AllParts)
	}
	return nil
}

func need(field, value string) error {
	if value == "" {
		return fmt.Errorf("no %s", field)
	}
	return nil
}

func amount(field string, text *string, missing money.Micro) (money.Micro, error) {
	if text == nil {
		return missing, nil
	}
	m, err := money.Parse(*text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", field, err)
	}
	return m, nil
}

// maxPromiseMonths bounds how long promises live: ten years are for ever.
const maxPromiseMonths = 120

// policies are the values that a policy line sets.
func (l *line) policies() ([]setting, error) {
	var set []setting
	if l.FeeBP != nil {
		if *l.FeeBP < 0 || *l.FeeBP > 10_000 {
			return nil, errors.New("fee_bp is from 0 to 10000")
		}
		set = append(set, setting{store.PolicyFeeBP, *l.FeeBP})
	}
	if l.PromiseMonths != nil {
		if *l.PromiseMonths < 0 || *l.PromiseMonths > maxPromiseMonths {
			return nil, fmt.Errorf("promise_months is from 0 to %d", maxPromiseMonths)
		}
		set = append(set, setting{store.PolicyPromiseMonths, *l.PromiseMonths})
	}
	if l.MaxBudget != nil {
		limit, err := amount("max_budget", l.MaxBudget, 0)
		if err != nil || limit < flattr.MinBudget {
			return nil, errors.New("max_budget is an amount from 2.00")
		}
		set = append(set, setting{store.PolicyMaxBudget, int64(limit)})
	}
	return set, nil
}
