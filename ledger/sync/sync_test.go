package sync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
	"flattr/ledger/sync"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

const token = "the-token"

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// counter is the interface over a real store, for one member with a token.
type counter struct {
	t       *testing.T
	store   *store.Store
	handler http.Handler
	member  flattr.MemberID
	clock   time.Time
}

func newCounter(t *testing.T, where string) *counter {
	t.Helper()
	st, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	c := &counter{t: t, store: st, clock: now}
	t.Cleanup(func() { _ = st.Close() })
	invites, err := st.MintInvites(t.Context(), now, 1, 10*money.Euro)
	if err != nil {
		t.Fatalf("MintInvites = %v", err)
	}
	m, err := st.SignUp(t.Context(), now, store.SignUp{Name: "ann", PasswordHash: "x", InviteCode: invites[0].Code})
	if err != nil {
		t.Fatalf("SignUp = %v", err)
	}
	c.member = m.ID
	authorize := func(_ context.Context, got string) (flattr.MemberID, error) {
		if got != token {
			return 0, flattr.Refuse(api.CodeSignIn, "Sign in again.")
		}
		return m.ID, nil
	}
	c.handler = sync.New(st, authorize, func() time.Time { return c.clock }, slog.New(slog.NewJSONHandler(io.Discard, nil))).Handler()
	return c
}

func (c *counter) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

func (c *counter) send(events ...api.Event) api.Results {
	c.t.Helper()
	raw, err := json.Marshal(api.Batch{Events: events})
	if err != nil {
		c.t.Fatal(err)
	}
	w := c.ask(http.MethodPost, api.PathEvents, string(raw))
	var results api.Results
	if err := json.Unmarshal(w.Body.Bytes(), &results); err != nil || w.Code != http.StatusOK {
		c.t.Fatalf("POST events = %d %s, %v", w.Code, w.Body, err)
	}
	return results
}

func newClick(url string) api.Event {
	return api.Event{ID: uuid.NewString(), Kind: api.KindClick, At: now.Format(time.RFC3339), Thing: &api.Thing{URL: url}}
}

func TestEachEventIsAnsweredByItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		c := newCounter(t, where)
		c.clock = now.Add(time.Minute) // times ahead of the arrival would count as the arrival
		good, twice := newClick("https://a.example/1"), newClick("http://www.a.example/1")
		twice.At = now.Add(time.Second).Format(time.RFC3339)
		upper := newClick("https://a.example/2")
		upper.ID = strings.ToUpper(upper.ID)
		undo := api.Event{ID: uuid.NewString(), Kind: api.KindUndo, At: now.Add(2 * time.Second).Format(time.RFC3339), Click: good.ID}
		broken := []api.Event{
			{ID: "no uuid", Kind: api.KindClick, At: now.Format(time.RFC3339), Thing: &api.Thing{URL: "https://a.example/"}},
			{ID: uuid.NewString(), Kind: "gift", At: now.Format(time.RFC3339)},
			{ID: uuid.NewString(), Kind: api.KindClick, At: "yesterday", Thing: &api.Thing{URL: "https://a.example/"}},
			{ID: uuid.NewString(), Kind: api.KindClick, At: now.Format(time.RFC3339)},
			{ID: uuid.NewString(), Kind: api.KindClick, At: now.Format(time.RFC3339), Thing: &api.Thing{}},
			{ID: uuid.NewString(), Kind: api.KindClick, At: now.Format(time.RFC3339), Thing: &api.Thing{ID: "-1"}},
			{ID: uuid.NewString(), Kind: api.KindClick, At: now.Format(time.RFC3339), Thing: &api.Thing{URL: "https://a.example/" + strings.Repeat("x", 3000)}},
			{ID: uuid.NewString(), Kind: api.KindUndo, At: now.Format(time.RFC3339), Click: "x"},
			{ID: uuid.NewString(), Kind: api.KindUndo, At: now.Format(time.RFC3339), Click: uuid.NewString(), Thing: &api.Thing{URL: "https://a.example/"}},
		}
		events := append([]api.Event{good}, broken...)
		events = append(events, twice, upper, undo)
		results := c.send(events...)
		if len(results.Results) != len(events) {
			t.Fatalf("results = %d for %d events", len(results.Results), len(events))
		}
		for i, result := range results.Results {
			if result.ID != events[i].ID {
				t.Errorf("result %d is for %q, want %q", i, result.ID, events[i].ID)
			}
		}
		for i, result := range results.Results[1 : 1+len(broken)] {
			if result.Outcome != api.OutcomeRefused || result.Code != api.CodeInvalid || result.Sentence == "" || result.Retry {
				t.Errorf("broken event %d = %+v, want refused for good as invalid_request", i, result)
			}
		}
		rest := results.Results[1+len(broken):]
		if rest[0].Outcome != api.OutcomeDuplicate || rest[0].Counts != good.ID {
			t.Errorf("second click = %+v, want duplicate of %s", rest[0], good.ID)
		}
		if rest[1].Outcome != api.OutcomeAccepted || rest[2].Outcome != api.OutcomeAccepted {
			t.Errorf("click and undo = %+v, want both accepted", rest[1:])
		}
	})
}

func TestLongTextsAreCutNotRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		c := newCounter(t, where)
		event := newClick("https://a.example/long")
		event.Thing.Title = strings.Repeat("ü", 1000)
		event.Thing.Description = strings.Repeat("x", 5000)
		event.Thing.Tags = strings.Split(strings.Repeat("tag,", 500), ",")
		result := c.send(event).Results[0]
		if result.Outcome != api.OutcomeAccepted || result.Title != strings.Repeat("ü", 300) {
			t.Errorf("result = %v with the title %q, want accepted with the first 300 characters of the title", result.Outcome, result.Title)
		}
	})
}

func TestRequestsThatAreNotTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		c := newCounter(t, where)
		many, err := json.Marshal(api.Batch{Events: make([]api.Event, api.MaxBatch+1)})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []struct {
			name, method, path, body string
			header                   []string
			status                   int
			code                     string
		}{
			{"no token", "GET", api.PathAccount, "", []string{"Authorization", ""}, 401, api.CodeSignIn},
			{"other token", "GET", api.PathAccount, "", []string{"Authorization", "Bearer x"}, 401, api.CodeSignIn},
			{"other scheme", "GET", api.PathAccount, "", []string{"Authorization", "Basic " + token}, 401, api.CodeSignIn},
			{"long token", "GET", api.PathMonths, "", []string{"Authorization", "Bearer " + strings.Repeat("x", 5000)}, 401, api.CodeSignIn},
			{"not JSON", "POST", api.PathEvents, "x=y", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, api.CodeInvalid},
			{"no type", "POST", api.PathEvents, "{}", []string{"Content-Type", ""}, 415, api.CodeInvalid},
			{"broken JSON", "POST", api.PathEvents, `{"events":[`, nil, 400, api.CodeInvalid},
			{"JSON of another kind", "POST", api.PathEvents, `{"events":"all"}`, nil, 400, api.CodeInvalid},
			{"too long", "POST", api.PathEvents, `{"events":[],"x":"` + strings.Repeat("x", api.MaxBodyBytes) + `"}`, nil, 413, api.CodeInvalid},
			{"too many", "POST", api.PathEvents, string(many), nil, 413, api.CodeInvalid},
			{"other path", "GET", "/api/v1/nope", "", nil, 404, api.CodeNotFound},
			{"other method", "DELETE", api.PathEvents, "", nil, 404, api.CodeNotFound},
		} {
			w := c.ask(q.method, q.path, q.body, q.header...)
			var problem api.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != q.status || problem.Code != q.code || problem.Sentence == "" {
				t.Errorf("%s = %d %s, want %d %s with a sentence", q.name, w.Code, bytes.TrimSpace(w.Body.Bytes()), q.status, q.code)
			}
		}
		if w := c.ask("POST", api.PathEvents, `{}`); w.Code != http.StatusOK {
			t.Errorf("an empty batch = %d %s, want 200", w.Code, w.Body)
		}
	})
}

func TestAbuseIsSlowedDown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		c := newCounter(t, where)
		var last *httptest.ResponseRecorder
		answered := 0
		for range 1000 {
			if last = c.ask("GET", api.PathMonths, ""); last.Code != http.StatusOK {
				break
			}
			answered++
		}
		if last.Code != http.StatusTooManyRequests || last.Header().Get("Retry-After") == "" || answered < 100 {
			t.Fatalf("after %d requests = %d, Retry-After %q, want 429 after some hundred", answered, last.Code, last.Header().Get("Retry-After"))
		}
		c.clock = c.clock.Add(time.Minute)
		if w := c.ask("GET", api.PathMonths, ""); w.Code != http.StatusOK {
			t.Errorf("a minute later = %d, want 200", w.Code)
		}
		for range 1000 {
			if last = c.ask("GET", api.PathMonths, "", "Authorization", "Bearer guess"); last.Code != http.StatusUnauthorized {
				break
			}
		}
		if last.Code != http.StatusTooManyRequests {
			t.Errorf("guessing tokens ends in %d, want 429", last.Code)
		}
		if w := c.ask("GET", api.PathMonths, ""); w.Code != http.StatusOK {
			t.Errorf("a good token from the same address = %d, want 200", w.Code)
		}
	})
}

// A database that others hold for too long is told as busy, not as broken: the
// companion sends the same again.
func TestHeldDatabaseIsBusyNotBroken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		c := newCounter(t, where)
		holding, release := make(chan struct{}), make(chan struct{})
		released := make(chan error, 1)
		go func() {
			released <- c.store.WriteGated(context.Background(), func(*store.Tx) error {
				close(holding)
				<-release
				return nil
			})
		}()
		<-holding
		event := newClick("https://a.example/1")
		raw, err := json.Marshal(api.Batch{Events: []api.Event{event}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, api.PathEvents, bytes.NewReader(raw))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, r)
		close(release)
		if err := <-released; err != nil {
			t.Fatalf("Write = %v", err)
		}
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("POST events = %d %s with Retry-After %q, want 503", w.Code, w.Body, w.Header().Get("Retry-After"))
		}
		if result := c.send(event).Results[0]; result.Outcome != api.OutcomeAccepted {
			t.Errorf("sent again = %+v, want accepted", result)
		}
	})
}

func TestAccountAndMonths(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		c := newCounter(t, where)
		w := c.ask("GET", api.PathAccount, "")
		want := fmt.Sprintf(`{"member":"%d","name":"ann"}`, c.member)
		if got := strings.TrimSpace(w.Body.String()); got != want {
			t.Errorf("account = %s, want %s", got, want)
		}
		w = c.ask("GET", api.PathMonths, "")
		var months api.Months
		if err := json.Unmarshal(w.Body.Bytes(), &months); err != nil || months.MeansMicro != 10_000_000 || len(months.Months) == 0 || months.Months[0].BudgetMicro != 2_000_000 {
			t.Errorf("months = %s, %v", w.Body, err)
		}
	})
}
