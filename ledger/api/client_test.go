package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flattr/ledger/api"

	"golang.org/x/oauth2"
)

// answering is a server that gives one answer to everything.
func answering(t *testing.T, answer http.HandlerFunc) *api.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, err := api.NewClient(server.URL, "token")
	if err != nil {
		t.Fatalf("NewClient = %v", err)
	}
	return client
}

func TestFailuresAreToldApart(t *testing.T) {
	problem := `{"code":"x","sentence":"y"}`
	for _, c := range []struct {
		name   string
		status int
		kind   string
		body   string
		want   error
	}{
		{"unauthorized", 401, "application/json", problem, api.ErrUnauthorized},
		{"unauthorized by a proxy", 401, "text/html", "<h1>sign in to the hotel</h1>", api.ErrAway},
		{"too many", 429, "application/json", problem, api.ErrTooMany},
		{"too many by a proxy", 429, "text/html", "", api.ErrTooMany},
		{"busy", 503, "application/json", problem, api.ErrAway},
		{"broken", 500, "application/json", problem, api.ErrAway},
		{"no ledger behind the proxy", 502, "text/html", "bad gateway", api.ErrAway},
		{"too large", 413, "application/json", problem, api.ErrRejected},
		{"not found by another server", 404, "text/plain", "not found", api.ErrAway},
		{"captive portal", 200, "text/html", "<h1>hotel</h1>", api.ErrAway},
		{"redirect", 302, "text/html", "", api.ErrAway},
		{"cut JSON", 200, "application/json", `{"member":"1"`, api.ErrAway},
		{"endless", 200, "application/json", `{"member":"` + strings.Repeat("x", 5<<20) + `"}`, api.ErrAway},
	} {
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			w.Header().Set("Retry-After", "7")
			if c.status == http.StatusFound {
				w.Header().Set("Location", "http://127.0.0.1:1/")
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		})
		_, meta, err := client.Account(t.Context())
		if !errors.Is(err, c.want) {
			t.Errorf("%s = %v, want %v", c.name, err, c.want)
		}
		if meta.RetryAfter != 7*time.Second || meta.Date.IsZero() {
			t.Errorf("%s: meta = %+v, want 7s and a date", c.name, meta)
		}
		var failed *api.Error
		if !errors.As(err, &failed) || failed.Status != c.status {
			t.Errorf("%s = %#v, want an Error with status %d", c.name, err, c.status)
		}
	}
}

func TestNoAnswerIsAway(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	client, err := api.NewClient(server.URL, "secret-token")
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	_, meta, err := client.Months(t.Context())
	if !errors.Is(err, api.ErrAway) || !meta.Date.IsZero() || strings.Contains(err.Error(), "secret") {
		t.Errorf("Months of a ledger that is down = %+v, %v, want ErrAway without the token", meta, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := client.Months(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Months after cancel = %v, want context.Canceled", err)
	}
}

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	date := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "30": 30 * time.Second, "999999999": 24 * time.Hour, "99999999999999999999": 24 * time.Hour, "-5": 0, "soon": 0,
		date.Add(time.Minute).Format(http.TimeFormat): time.Minute, date.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", date.Format(http.TimeFormat))
			w.Header().Set("Retry-After", text)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		if _, meta, _ := client.Months(t.Context()); meta.RetryAfter != want || !meta.Date.Equal(date) {
			t.Errorf("Retry-After %q = %+v, want %v", text, meta, want)
		}
	}
}

// An answer that does not fit the batch acknowledges nothing.
func TestAnswerMustFitTheBatch(t *testing.T) {
	batch := api.Batch{Events: []api.Event{{ID: "a"}, {ID: "b"}}}
	for _, ids := range [][]string{{}, {"a"}, {"b", "a"}, {"a", "b", "c"}, {"a", "a"}} {
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			var results api.Results
			for _, id := range ids {
				results.Results = append(results.Results, api.Result{ID: id, Outcome: api.OutcomeAccepted})
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(results)
		})
		if results, _, err := client.Send(t.Context(), batch); !errors.Is(err, api.ErrAway) || len(results.Results) != 0 {
			t.Errorf("Send answered by %v = %v, %v, want ErrAway", ids, results, err)
		}
	}
}

func TestCutKeepsToWhatTheLedgerTakes(t *testing.T) {
	small := make([]api.Event, 250)
	if batch, err := api.Cut(small); err != nil || len(batch.Events) != api.MaxBatch {
		t.Errorf("Cut of 250 = %d, %v, want %d", len(batch.Events), err, api.MaxBatch)
	}
	if batch, err := api.Cut(small[:3]); err != nil || len(batch.Events) != 3 {
		t.Errorf("Cut of 3 = %d, %v", len(batch.Events), err)
	}
	if batch, err := api.Cut(nil); err != nil || len(batch.Events) != 0 {
		t.Errorf("Cut of none = %d, %v", len(batch.Events), err)
	}
	// Every "<" becomes six characters in JSON.
	large := make([]api.Event, api.MaxBatch)
	for i := range large {
		large[i] = api.Event{ID: fmt.Sprint(i), Thing: &api.Thing{URL: strings.Repeat("<", 2048), Description: strings.Repeat("<", 1000)}}
	}
	for rest := large; len(rest) > 0; {
		batch, err := api.Cut(rest)
		if err != nil || len(batch.Events) == 0 {
			t.Fatalf("Cut = %d, %v", len(batch.Events), err)
		}
		raw, err := json.Marshal(batch)
		if err != nil || len(raw) > api.MaxBodyBytes {
			t.Fatalf("batch of %d events has %d bytes, %v, want at most %d", len(batch.Events), len(raw), err, api.MaxBodyBytes)
		}
		rest = rest[len(batch.Events):]
	}
}

func TestOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		"https://ledger.example": "https://ledger.example", " https://Ledger.Example/ ": "https://ledger.example",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080", "http://localhost:8080": "http://localhost:8080", "http://[::1]:8080": "http://[::1]:8080",
		"http://ledger.example": "", "http://127.0.0.1.evil.example": "", "https://user@ledger.example": "", "https://ledger.example/path": "",
		"https://ledger.example?x": "", "ledger.example": "", "": "", "ftp://127.0.0.1": "", "https://": "", "https://:80": "", "javascript:x": "",
	} {
		got, err := api.Origin(raw)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Origin(%q) = %q, %v, want %q", raw, got, err, want)
		}
	}
}

// What a ledger answers to an exchange of tokens may hold what it was sent.
func TestTokenErrorsNameNoAddressAndNoToken(t *testing.T) {
	const secret = "Gk3-secret"
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   error
	}{
		{"not in force", 400, `{"error":"invalid_grant","error_description":"` + secret + `"}`, api.ErrUnauthorized},
		{"refused", 400, `{"error":"invalid_client"}`, api.ErrRejected},
		{"an echo as the code", 400, `{"error":"` + secret + `"}`, api.ErrRejected},
		{"busy", 429, secret, api.ErrTooMany},
		{"broken", 500, secret, api.ErrAway},
		{"captive portal", 200, "<h1>" + secret + "</h1>", api.ErrAway},
		{"no answer", 0, "", api.ErrAway},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		config, err := api.CompanionOAuth(server.URL, "")
		if err != nil {
			t.Fatal(err)
		}
		if c.status == 0 {
			server.Close()
		}
		_, err = config.TokenSource(api.LinkContext(t.Context()), &oauth2.Token{RefreshToken: secret}).Token()
		err = api.TokenError(err)
		server.Close()
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "http://") {
			t.Errorf("%s = %v, want %v without the token and the address", c.name, err, c.want)
		}
	}
}
