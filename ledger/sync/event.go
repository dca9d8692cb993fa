package sync

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
)

// maxName bounds the fid and the owner of a thing, in bytes. A longer one names
// nobody. (The length of URLs is the store's business, as that of texts is.)
const maxName = 64

// eventOf reads an event as a companion sends it. What it means is judged by
// the store.
func eventOf(raw api.Event) (flattr.Event, error) {
	var event flattr.Event
	var err error
	if event.ID, err = flattr.ParseEventID(raw.ID); err != nil {
		return event, err
	}
	if event.At, err = time.Parse(time.RFC3339, raw.At); err != nil {
		return event, errors.New("the time of the event is not RFC 3339")
	}
	switch raw.Kind {
	case api.KindClick:
		event.Kind = flattr.KindClick
		if raw.Thing == nil || raw.Click != "" {
			return event, errors.New("a click names a thing and no other click")
		}
		event.Thing, err = thingOf(*raw.Thing)
		return event, err
	case api.KindUndo:
		event.Kind = flattr.KindUndo
		if raw.Thing != nil {
			return event, errors.New("an undo names a click and no thing")
		}
		event.Click, err = flattr.ParseEventID(raw.Click)
		return event, err
	default:
		return event, fmt.Errorf("the kind %.20q is not known", raw.Kind)
	}
}

func thingOf(raw api.Thing) (flattr.ThingRef, error) {
	ref := flattr.ThingRef{
		URL: raw.URL, FID: raw.FID, Owner: raw.Owner,
		Title: raw.Title, Description: raw.Description,
		Category: raw.Category, Language: raw.Language, Tags: raw.Tags, Hidden: raw.Hidden,
	}
	if raw.URL == "" && raw.ID == "" && raw.FID == "" {
		return ref, errors.New("a thing is named by url, id or fid")
	}
	if len(raw.FID) > maxName || len(raw.Owner) > maxName {
		return ref, errors.New("the fid or owner of the thing is too long")
	}
	if raw.ID != "" {
		id, err := strconv.ParseInt(raw.ID, 10, 64)
		if err != nil || id < 1 || id > flattr.MaxID {
			return ref, errors.New("the id of the thing is not one of this ledger")
		}
		ref.ID = flattr.ThingID(id)
	}
	return ref, nil
}

// resultOf is an outcome in the words of the interface.
func resultOf(o flattr.Outcome) api.Result {
	result := api.Result{
		ID: o.ID.String(), Outcome: api.Outcome(o.Result), Code: string(o.Code), Sentence: o.Sentence,
		URL: o.URL, Title: o.Title, Promise: o.Promise, Retry: o.Retry, Undone: o.Undone,
	}
	if o.Month != 0 {
		result.Month = o.Month.String()
	}
	if !o.Counts.IsZero() {
		result.Counts = o.Counts.String()
	}
	if o.ThingID != 0 {
		result.ThingID = strconv.FormatInt(int64(o.ThingID), 10)
	}
	return result
}

func problemOf(err error) api.Problem {
	var refused *flattr.Error
	if errors.As(err, &refused) {
		return api.Problem{Code: string(refused.Code), Sentence: refused.Sentence}
	}
	return api.Problem{Code: "internal", Sentence: "The ledger could not do this."}
}

// sentenceCase makes an error text one for a person.
func sentenceCase(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
