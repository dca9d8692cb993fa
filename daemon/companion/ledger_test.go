package companion_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/thing"
)

// ledger speaks ledger/api and OAuth2 as far as a companion needs it. Each
// thing may be clicked once; all of it is in memory.
type ledger struct {
	*httptest.Server
	mu         sync.Mutex
	away       bool
	ahead      time.Duration         // of its clock before ours
	member     api.Account           // who signs in
	refuse     map[string]api.Result // by URL of the thing
	means      int64
	challenges map[string]string // code -> PKCE challenge
	tokens     map[string]bool
	clicks     map[string]string // key of the thing -> id of the click that counts
	answered   map[string]api.Result
	batches    [][]api.Event
	revoked    []string
}

const budgetMicro = 2_000_000

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{
		refuse: map[string]api.Result{}, challenges: map[string]string{}, tokens: map[string]bool{},
		clicks: map[string]string{}, answered: map[string]api.Result{}, means: 50_000_000,
		member: api.Account{Member: "7", Name: "ann"},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+api.PathToken, l.token)
	mux.HandleFunc("POST "+api.PathRevoke, func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.tokens, r.FormValue("token"))
		l.revoked = append(l.revoked, r.FormValue("token"))
	})
	mux.HandleFunc("GET "+api.PathAccount, l.authorized(func(http.ResponseWriter, *http.Request) any { return l.member }))
	mux.HandleFunc("GET "+api.PathMonths, l.authorized(func(http.ResponseWriter, *http.Request) any { return l.months() }))
	mux.HandleFunc("POST "+api.PathEvents, l.authorized(l.events))
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		away := l.away
		l.mu.Unlock()
		if away {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		l.mu.Lock()
		w.Header().Set("Date", time.Now().Add(l.ahead).UTC().Format(http.TimeFormat))
		l.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

// authorized answers requests that carry a token of ours; l.mu is held.
func (l *ledger) authorized(handle func(http.ResponseWriter, *http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		token := r.Header.Get("Authorization")
		if len(token) < 7 || !l.tokens[token[7:]] {
			w.WriteHeader(http.StatusUnauthorized)
			json.NewEncoder(w).Encode(api.Problem{Code: api.CodeSignIn, Sentence: "Sign in."})
			return
		}
		json.NewEncoder(w).Encode(handle(w, r))
	}
}

func (l *ledger) months() api.Months {
	n := len(l.clicks)
	m := api.MonthSummary{Month: month, State: "running", BudgetMicro: budgetMicro, Clicks: n}
	if n > 0 {
		m.ShareMicro, m.HeldMicro = budgetMicro/int64(n), budgetMicro
	}
	return api.Months{MeansMicro: l.means, Months: []api.MonthSummary{m}}
}

func (l *ledger) events(_ http.ResponseWriter, r *http.Request) any {
	var batch api.Batch
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
		panic(err)
	}
	l.batches = append(l.batches, batch.Events)
	var results []api.Result
	for _, event := range batch.Events {
		result, ok := l.answered[event.ID]
		if !ok || result.Retry {
			result = l.judge(event)
			l.answered[event.ID] = result
		}
		results = append(results, result)
	}
	return api.Results{Results: results, Months: l.months()}
}

func (l *ledger) judge(event api.Event) api.Result {
	result := api.Result{ID: event.ID, Outcome: api.OutcomeAccepted, Month: month}
	if event.Kind == api.KindUndo {
		for address, id := range l.clicks {
			if id == event.Click {
				delete(l.clicks, address)
			}
		}
		return result
	}
	result.URL, result.ThingID, result.Title = event.Thing.URL, "42", event.Thing.Title
	if refusal, ok := l.refuse[event.Thing.URL]; ok {
		refusal.ID = event.ID
		return refusal
	}
	key, err := thing.KeyOf(event.Thing.URL)
	if err != nil {
		panic(err)
	}
	if counts, ok := l.clicks[string(key)]; ok {
		result.Outcome, result.Code, result.Counts = api.OutcomeDuplicate, api.CodeOnce, counts
		return result
	}
	l.clicks[string(key)] = event.ID
	return result
}

// allow is the reader who signs in and allows: it gives the address the
// ledger sends the browser back to.
func (l *ledger) allow(t *testing.T, authorize string) string {
	t.Helper()
	asked, err := url.Parse(authorize)
	if err != nil {
		t.Fatal(err)
	}
	query := asked.Query()
	for name, want := range map[string]string{
		"client_id": api.CompanionClient, "response_type": "code", "scope": api.CompanionScope, "code_challenge_method": "S256",
	} {
		if got := query.Get(name); got != want {
			t.Errorf("authorize: %s = %q, want %q", name, got, want)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.challenges["the-code"] = query.Get("code_challenge")
	return query.Get("redirect_uri") + "?" + url.Values{"code": {"the-code"}, "state": {query.Get("state")}}.Encode()
}

func (l *ledger) token(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	verifier := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	challenge, ok := l.challenges[r.FormValue("code")]
	if !ok || challenge != base64.RawURLEncoding.EncodeToString(verifier[:]) {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
		return
	}
	delete(l.challenges, r.FormValue("code"))
	l.tokens["the-token"] = true
	json.NewEncoder(w).Encode(map[string]any{"access_token": "the-token", "token_type": "bearer"})
}

// set changes the ledger between requests.
func (l *ledger) set(change func(l *ledger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// counted is how many clicks count.
func (l *ledger) counted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.clicks)
}
