package rest

import (
	"errors"
	"net/http"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// The codes of errors, as clients know them.
const (
	codeInvalid    = "invalid_request"
	codeParameters = "invalid_parameters"
	codeValidation = "validation"
	codeSignIn     = "unauthorized"
	codeRate       = "rate_limit_exceeded"
	codeInvScope   = "invalid_scope"
	codeScope      = "insufficient_scope"
	codeForbidden  = "forbidden"
	codeNotFound   = "not_found"
	codeFormat     = "not_acceptable"
	codeServer     = "server_error"
	codeOnce       = "flattr_once"
	codeOwn        = "flattr_owner"
	codeMeans      = "no_means"
	codeSubscribed = "subscribed"
	codeThingOwner = "thing_owner"
)

const textServer = "The ledger could not do this. Try the same again later."

// errorKind is a code with its status and what it means; the reference is made
// of these.
type errorKind struct {
	Code    string
	Status  int
	Meaning string
	text    string // what clients expect to read, whatever the cause; "": the cause's own sentence
}

// errorKinds are all errors of the interface.
var errorKinds = []errorKind{
	{codeInvalid, http.StatusBadRequest, "The request cannot be read or names nothing that can be done; 405, 413 and 415 carry this code too.", ""},
	{codeParameters, http.StatusBadRequest, "A parameter has a value that it cannot have.", ""},
	{codeValidation, http.StatusBadRequest, "What was sent is not in order; the description says what.", ""},
	{codeSignIn, http.StatusUnauthorized, "There is no token, or it is not in force. Sign in again.", "You are unauthorized to access the resource"},
	{codeMeans, http.StatusUnauthorized, "The reader's means do not cover the budget of the month.", "You don't have any money to flattr with"},
	{codeRate, http.StatusForbidden, "More requests than an hour has.", ""},
	{codeInvScope, http.StatusForbidden, "There is no scope of that name.", ""},
	{codeScope, http.StatusForbidden, "The token was not given the scope that this needs.", ""},
	{codeForbidden, http.StatusForbidden, "This is somebody else's.", ""},
	{codeOnce, http.StatusForbidden, "The reader has flattred the thing this month.", ""},
	{codeOwn, http.StatusForbidden, "The thing is the reader's own.", ""},
	{codeSubscribed, http.StatusForbidden, "The reader is subscribed already.", "User already subscribed to thing"},
	{codeThingOwner, http.StatusForbidden, "Nobody subscribes to what is their own.", "You are not allowed to subscribe to your own thing"},
	{codeNotFound, http.StatusNotFound, "There is no such thing, member or resource.", ""},
	{codeFormat, http.StatusNotAcceptable, "There is no answer in the format that was asked for.", ""},
	{codeServer, http.StatusInternalServerError, "The ledger failed; 503 while it is busy.", ""},
}

// problem is an error as clients see it.
type problem struct {
	status      int
	code        string
	description string
}

// Error writes code and description.
func (p *problem) Error() string { return p.code + ": " + p.description }

// refuse is the problem of a code with its usual status. Where clients expect a
// certain text, that is the description.
func refuse(code, description string) *problem {
	for _, kind := range errorKinds {
		if kind.Code == code {
			if kind.text != "" {
				description = kind.text
			}
			return &problem{kind.Status, code, description}
		}
	}
	return &problem{http.StatusBadRequest, codeValidation, description}
}

// problemOf translates an error. One that nobody expects is answered without
// saying what it was.
func problemOf(err error) (p *problem, expected bool) {
	var refused *flattr.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.As(err, &refused):
		return refuse(string(refused.Code), refused.Sentence), true // codes of the ledger that clients do not know are validation
	case errors.As(err, &tooLarge):
		return &problem{http.StatusRequestEntityTooLarge, codeInvalid, "The body is longer than 1 MiB."}, true
	case store.Busy(err):
		return &problem{http.StatusServiceUnavailable, codeServer, "The ledger is busy. Try the same again later."}, false
	}
	return &problem{http.StatusInternalServerError, codeServer, textServer}, false
}

// statusOf is the status with which an error is answered.
func statusOf(err error) int {
	p, _ := problemOf(err)
	return p.status
}

// errorBody is a problem on the wire.
type errorBody struct {
	Error       string `json:"error" doc:"the code"`
	Description string `json:"error_description" doc:"a sentence for a person"`
	URI         string `json:"error_uri" doc:"where this code is explained"`
}
