// Package sync answers companions: it takes their clicks and undos and tells
// them how their member's months stand.
package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/limit"
	"flattr/ledger/store"
)

// Limits of the interface.
const (
	// requestTimeout bounds the work for one request; a batch of 100 clicks
	// takes milliseconds, the rest is waiting for the database.
	requestTimeout = 20 * time.Second
	// A token may send tokenBurst requests at once and then one each
	// tokenInterval: a companion that was away for days sends its whole log at
	// full speed, one that is broken does not drown the others.
	tokenBurst, tokenInterval = 200, 100 * time.Millisecond
	// An address may offer this many tokens that are not in force.
	strangerBurst, strangerInterval = 100, time.Second
	// retryAfter is asked for when the ledger is busy.
	retryAfter = 5 * time.Second
	// maxToken is longer than any token we issue.
	maxToken = 256
)

// Authorize tells whom a bearer token acts for. For a token that is not in
// force it answers an error with the code unauthorized.
type Authorize func(ctx context.Context, token string) (flattr.MemberID, error)

// Server is the companions' interface.
type Server struct {
	store     *store.Store
	authorize Authorize
	now       func() time.Time
	log       *slog.Logger
	tokens    *limit.Limiter
	strangers *limit.Limiter
}

// New returns the interface over a store.
func New(st *store.Store, authorize Authorize, now func() time.Time, log *slog.Logger) *Server {
	return &Server{
		store: st, authorize: authorize, now: now, log: log,
		tokens:    limit.New(tokenInterval, tokenBurst),
		strangers: limit.New(strangerInterval, strangerBurst),
	}
}

// Handler answers the paths of package api.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+api.PathEvents, s.member(s.events))
	mux.HandleFunc("GET "+api.PathAccount, s.member(s.account))
	mux.HandleFunc("GET "+api.PathMonths, s.member(s.months))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusNotFound, api.Problem{Code: api.CodeNotFound, Sentence: "There is nothing at this path for this method."})
	})
	return mux
}

// member finds out whom the request is from before anything else is read.
func (s *Server) member(next func(http.ResponseWriter, *http.Request, flattr.MemberID)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		// The companion goes by the clock that judges its clicks.
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		r = r.WithContext(ctx)
		token, ok := bearer(r)
		var id flattr.MemberID
		err := error(flattr.Refuse(api.CodeSignIn, "This token is not in force. Sign in again."))
		if ok {
			id, err = s.authorize(ctx, token)
		}
		if flattr.CodeOf(err) == api.CodeSignIn {
			// Only strangers wait: behind a proxy all companions share an address.
			stranger := r.RemoteAddr[:max(0, strings.LastIndexByte(r.RemoteAddr, ':'))]
			if wait := s.strangers.Take(stranger, s.now()); wait > 0 {
				tooMany(w, wait)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="flattr", error="invalid_token"`)
			answer(w, http.StatusUnauthorized, problemOf(err))
			return
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if wait := s.tokens.Take(token, s.now()); wait > 0 {
			tooMany(w, wait)
			return
		}
		next(w, r, id)
	}
}

// bearer is the token of a request.
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != "" && len(token) <= maxToken
}

// account says who the token acts for.
func (s *Server) account(w http.ResponseWriter, r *http.Request, id flattr.MemberID) {
	m, err := s.store.Member(r.Context(), id)
	if err != nil {
		s.fail(w, r, fmt.Errorf("find member of token: %w", err))
		return
	}
	answer(w, http.StatusOK, api.Account{Member: strconv.FormatInt(int64(m.ID), 10), Name: m.Name})
}

// months says how the member's open months stand.
func (s *Server) months(w http.ResponseWriter, r *http.Request, id flattr.MemberID) {
	means, summaries, err := s.store.Summaries(r.Context(), s.now(), id)
	if err != nil {
		s.fail(w, r, fmt.Errorf("read months: %w", err))
		return
	}
	answer(w, http.StatusOK, monthsOf(store.Answer{Means: means, Months: summaries}))
}

// events takes a batch. Its answers are durable before they are sent.
func (s *Server) events(w http.ResponseWriter, r *http.Request, id flattr.MemberID) {
	batch, status, err := readBatch(w, r)
	if err != nil {
		answer(w, status, api.Problem{Code: api.CodeInvalid, Sentence: sentenceCase(err)})
		return
	}
	results := make([]api.Result, len(batch.Events))
	events, places := make([]flattr.Event, 0, len(batch.Events)), make([]int, 0, len(batch.Events))
	for i, raw := range batch.Events {
		event, err := eventOf(raw)
		if err != nil {
			results[i] = api.Result{ID: raw.ID, Outcome: api.OutcomeRefused, Code: api.CodeInvalid, Sentence: sentenceCase(err)}
			continue
		}
		events, places = append(events, event), append(places, i)
	}
	known, err := s.store.RecordAndSum(r.Context(), s.now(), id, events)
	if err != nil {
		s.fail(w, r, fmt.Errorf("record events: %w", err))
		return
	}
	for i, outcome := range known.Outcomes {
		results[places[i]] = resultOf(outcome)
		results[places[i]].ID = batch.Events[places[i]].ID
	}
	answer(w, http.StatusOK, api.Results{Results: results, Months: monthsOf(known)})
}

// readBatch reads a bounded body of the right kind.
func readBatch(w http.ResponseWriter, r *http.Request) (api.Batch, int, error) {
	var batch api.Batch
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return batch, http.StatusUnsupportedMediaType, errors.New("the body must be application/json")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxBodyBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return batch, http.StatusRequestEntityTooLarge, fmt.Errorf("the body is longer than %d bytes", api.MaxBodyBytes)
	}
	if err != nil {
		return batch, http.StatusBadRequest, errors.New("the body could not be read")
	}
	if err := json.Unmarshal(raw, &batch); err != nil {
		return batch, http.StatusBadRequest, errors.New("the body is not a batch of events in JSON")
	}
	if len(batch.Events) > api.MaxBatch {
		return batch, http.StatusRequestEntityTooLarge, fmt.Errorf("a batch has at most %d events", api.MaxBatch)
	}
	return batch, http.StatusOK, nil
}

// monthsOf is the member's state in the words of the interface.
func monthsOf(known store.Answer) api.Months {
	out := api.Months{MeansMicro: int64(known.Means), Months: make([]api.MonthSummary, 0, len(known.Months))}
	for _, m := range known.Months {
		out.Months = append(out.Months, api.MonthSummary{
			Month: m.Month.String(), State: string(m.State), BudgetMicro: int64(m.Budget), HeldMicro: int64(m.Held),
			Clicks: m.Clicks, Promises: m.Promises, ShareMicro: int64(m.Share),
		})
	}
	return out
}

// fail answers what is not the companion's doing: busy, or an error that the
// operator finds in the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if store.Busy(err) {
		s.log.Warn("ledger busy", "path", r.Pattern, "error", err)
		setRetryAfter(w, retryAfter)
		answer(w, http.StatusServiceUnavailable, api.Problem{Code: "busy", Sentence: "The ledger is busy. Send the same again later."})
		return
	}
	s.log.Error("request failed", "path", r.Pattern, "error", err)
	answer(w, http.StatusInternalServerError, api.Problem{Code: "internal", Sentence: "The ledger could not do this. Send the same again later."})
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	setRetryAfter(w, wait)
	answer(w, http.StatusTooManyRequests, api.Problem{Code: "too_many", Sentence: "Too many requests. Send less often."})
}

// setRetryAfter rounds up to whole seconds, which is all the header can say.
func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A companion that went away sends its batch again.
	_ = json.NewEncoder(w).Encode(body)
}
