package sync

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
)

// Bounds of a thing's description. Longer texts are cut, not refused: a click
// is worth more than the end of a title. Longer URLs and names are refused.
const (
	maxURL         = 2048
	maxTitle       = 300
	maxDescription = 1000
	maxShort       = 64 // category, language, tag, owner, fid
	maxTags        = 20
)

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
		Title: cut(raw.Title, maxTitle), Description: cut(raw.Description, maxDescription),
		Category: cut(raw.Category, maxShort), Language: cut(raw.Language, maxShort), Hidden: raw.Hidden,
	}
	if raw.URL == "" && raw.ID == "" && raw.FID == "" {
		return ref, errors.New("a thing is named by url, id or fid")
	}
	if len(raw.URL) > maxURL || len(raw.FID) > maxShort || len(raw.Owner) > maxShort {
		return ref, errors.New("the url, fid or owner of the thing is too long")
	}
	if raw.ID != "" {
		id, err := strconv.ParseInt(raw.ID, 10, 64)
		if err != nil || id < 1 || id > flattr.MaxID {
			return ref, errors.New("the id of the thing is not one of this ledger")
		}
		ref.ID = flattr.ThingID(id)
	}
	for _, tag := range raw.Tags[:min(len(raw.Tags), maxTags)] {
		ref.Tags = append(ref.Tags, cut(tag, maxShort))
	}
	return ref, nil
}

// cut makes s valid UTF-8 of at most n characters.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// resultOf is an outcome in the words of the interface.
func resultOf(o flattr.Outcome) api.Result {
	result := api.Result{
		ID: o.ID.String(), Outcome: api.Outcome(o.Result), Code: string(o.Code), Sentence: o.Sentence,
		URL: o.URL, Title: o.Title, Promise: o.Promise, Retry: o.Retry,
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
