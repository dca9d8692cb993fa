package courier

import (
	"errors"
	"time"
	"unicode/utf8"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
	"flattr/ledger/api"

	"github.com/google/uuid"
)

// Bounds of what the ledger says: what is kept of a click has to fit into a
// frame again, whatever ledger the reader has signed in at.
const (
	maxSentenceRunes = 500
	maxCodeRunes     = 64
	maxThingIDBytes  = 20 // decimal digits of 64 bits
	maxMonths        = 2  // the running one, and in its grace the one before
)

// answer reads what the ledger said about one event. An outcome that this
// version does not know is no answer: the event waits rather than reads as
// refused.
func answer(result api.Result) (clicklog.Answer, error) {
	switch result.Outcome {
	case api.OutcomeAccepted, api.OutcomeLate, api.OutcomeDuplicate, api.OutcomeRefused:
	default:
		return clicklog.Answer{}, errors.New("the ledger answers what this version does not know")
	}
	a := clicklog.Answer{
		ID: result.ID, Outcome: string(result.Outcome), Code: cut(result.Code, maxCodeRunes), Sentence: cut(result.Sentence, maxSentenceRunes),
		Title: cut(result.Title, wire.MaxTitleRunes), Promise: result.Promise,
		Retry:  result.Retry && result.Outcome == api.OutcomeRefused,
		Undone: result.Undone && result.Outcome != api.OutcomeRefused,
	}
	if _, err := time.Parse("2006-01", result.Month); err == nil {
		a.Month = result.Month
	}
	if id, err := uuid.Parse(result.Counts); err == nil {
		a.Counts = id.String()
	}
	if len(result.ThingID) <= maxThingIDBytes {
		a.ThingID = result.ThingID
	}
	if len(result.URL) <= wire.MaxURLBytes {
		a.URL = result.URL
	}
	return a, nil
}

// cut shortens text to a number of characters.
func cut(text string, runes int) string {
	if utf8.RuneCountInString(text) <= runes {
		return text
	}
	return string([]rune(text)[:runes])
}
