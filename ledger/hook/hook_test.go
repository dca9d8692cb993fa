package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

// partner is a server that keeps what it is posted, and answers by a function.
type partner struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivered
	answer func(w http.ResponseWriter, n int) // nil: 200
}

type delivered struct {
	header http.Header
	body   string
	form   url.Values
}

func newPartner(t *testing.T) *partner {
	t.Helper()
	p := &partner{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		form, bad := url.ParseQuery(string(body))
		if err := errors.Join(err, bad); err != nil || r.Method != http.MethodPost {
			t.Errorf("a delivery by %s: %v", r.Method, err)
		}
		p.mu.Lock()
		p.got = append(p.got, delivered{r.Header.Clone(), string(body), form})
		n, answer := len(p.got), p.answer
		p.mu.Unlock()
		if answer != nil {
			answer(w, n)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *partner) answers(answer func(w http.ResponseWriter, n int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *partner) deliveries() []delivered {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]delivered(nil), p.got...)
}

func status(code int) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, _ int) { w.WriteHeader(code) }
}

// ring is a ledger with one hook, of the site partner.example.
type ring struct {
	t       *testing.T
	store   *store.Store
	partner *partner
	secret  string
	now     time.Time
	reader  flattr.MemberID
}

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newRing(t *testing.T, where string) *ring {
	t.Helper()
	st, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	r := &ring{t: t, store: st, partner: newPartner(t), now: start}
	r.secret, err = st.AddHook(t.Context(), start, flattr.Hook{Name: "ring", URL: r.partner.URL + "/flattr?key=1", SiteURL: "https://partner.example/"})
	if err != nil {
		t.Fatal(err)
	}
	r.reader = r.join("ann")
	return r
}

func (r *ring) join(name string) (id flattr.MemberID) {
	r.t.Helper()
	err := r.store.Write(r.t.Context(), func(tx *store.Tx) (err error) {
		id, err = tx.AddMember(start, store.NewMember{Name: name, Budget: flattr.DefaultBudget, Means: 20 * money.Euro})
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// click flattrs URLs in one batch, and answers the clicks' ids.
func (r *ring) click(urls ...string) (ids []flattr.EventID) {
	r.t.Helper()
	var events []flattr.Event
	for _, u := range urls {
		id := flattr.EventID(uuid.Must(uuid.NewV7()))
		events = append(events, flattr.Event{
			ID: id, Kind: flattr.KindClick, At: r.now,
			Thing: flattr.ThingRef{URL: u, Owner: "partner:ring:42"},
		})
		ids = append(ids, id)
	}
	outcomes, err := r.store.Record(r.t.Context(), r.now, r.reader, events)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, out := range outcomes {
		if out.Result != flattr.Accepted {
			r.t.Fatalf("a click is %+v", out)
		}
	}
	return ids
}

func (r *ring) deliverer() *Deliverer {
	return New(Config{
		Store: r.store, Client: NewClient(nil), Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler),
		ClaimURL: func(thing string) string { return "https://ledger.example/claim?url=" + url.QueryEscape(thing) },
	})
}

func (r *ring) deliver() {
	r.t.Helper()
	if err := r.deliverer().Deliver(r.t.Context()); err != nil {
		r.t.Fatalf("Deliver = %v", err)
	}
}

func (r *ring) standing() flattr.HookStanding {
	r.t.Helper()
	hooks, err := r.store.Hooks(r.t.Context())
	if err != nil || len(hooks) != 1 {
		r.t.Fatalf("Hooks = %v, %v", hooks, err)
	}
	return hooks[0]
}

func each(t *testing.T, run func(t *testing.T, r *ring)) {
	storetest.Each(t, func(t *testing.T, where string) { run(t, newRing(t, where)) })
}

func TestAPartnerIsToldOfAPromise(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		r.click("https://partner.example/a/1")
		r.deliver()
		r.deliver()
		got := r.partner.deliveries()
		if len(got) != 1 {
			t.Fatalf("the partner got %d deliveries, want 1", len(got))
		}
		form := got[0].form
		id := form.Get("thing_id")
		want := "_event=pendingclickcreate&claim_url=https%3A%2F%2Fledger.example%2Fclaim%3Furl%3Dhttps%253A%252F%252Fpartner.example%252Fa%252F1" +
			"&flattrer_username=&thing_clicks_total=1&thing_id=" + id + "&thing_owner_id=partner%3Aring%3A42"
		if got[0].body != want || id == "" || id == "0" {
			t.Errorf("the body is\n%s\nwant\n%s", got[0].body, want)
		}
		if kind := got[0].header.Get("Content-Type"); kind != "application/x-www-form-urlencoded" {
			t.Errorf("it is %s", kind)
		}
		// As a partner would check it, from the documentation alone.
		mac := hmac.New(sha256.New, []byte(r.secret))
		fmt.Fprintf(mac, "%d.%s", start.Unix(), got[0].body)
		sign := fmt.Sprintf("t=%d,v1=%s", start.Unix(), hex.EncodeToString(mac.Sum(nil)))
		if got := got[0].header.Get("Flattr-Signature"); got != sign {
			t.Errorf("Flattr-Signature = %s, want %s", got, sign)
		}
		if h := r.standing(); h.Waiting != 0 || h.Failures != 0 || h.Said != "" {
			t.Errorf("hook = %+v, want nothing to wait", h)
		}
	})
}

func TestOnlyPendingClicksOfTheSiteAreTold(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		bob := r.join("bob")
		err := r.store.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.AddThing(start, "https://partner.example/owned", "", bob), tx.AddThing(start, "https://partner.example/owned-too", "", bob))
		})
		if err != nil {
			t.Fatal(err)
		}
		r.click("https://partner.example/owned", "https://other.example/1", "https://partner.example.evil.example/", "https://partner.example/x",
			"https://partner.example/y", "https://partner.example/undone") // enough to be judged as a batch
		r.click("https://partner.example/owned-too") // and alone
		undone := r.click("https://partner.example/undone-at-once")[0]
		claimed := "https://partner.example/claimed"
		r.click(claimed)
		out, err := r.store.Record(t.Context(), r.now, r.reader, []flattr.Event{
			{ID: flattr.EventID(uuid.New()), Kind: flattr.KindUndo, At: r.now, Click: undone},
			{ID: flattr.EventID(uuid.New()), Kind: flattr.KindClick, At: r.now, Thing: flattr.ThingRef{URL: "https://partner.example/x"}},
		})
		if err != nil || out[0].Result != flattr.Accepted || out[1].Result != flattr.Duplicate {
			t.Fatalf("undo and duplicate = %+v, %v", out, err)
		}
		err = r.store.Write(t.Context(), func(tx *store.Tx) error { return tx.Claim(r.now, bob, claimed) })
		if err != nil {
			t.Fatal(err)
		}
		if h := r.standing(); h.Waiting != 5 {
			t.Errorf("%d deliveries wait, want 5", h.Waiting)
		}
		r.deliver()
		urls := map[string]int{}
		for _, d := range r.partner.deliveries() {
			u, err := url.Parse(d.form.Get("claim_url"))
			if err != nil {
				t.Fatal(err)
			}
			urls[u.Query().Get("url")]++
		}
		if fmt.Sprint(urls) != "map[https://partner.example/undone:1 https://partner.example/x:1 https://partner.example/y:1]" {
			t.Errorf("told of %v", urls)
		}
		if h := r.standing(); h.Waiting != 0 {
			t.Errorf("%d deliveries wait at the end", h.Waiting)
		}
	})
}

func TestNobodyIsToldOfWhatWantsNoMoney(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		r.click("https://partner.example/page/1")
		if err := r.store.OptOut(t.Context(), r.now, "https://partner.example/page/"); err != nil {
			t.Fatal(err)
		}
		r.click("https://partner.example/page/2")
		if h := r.standing(); h.Waiting != 1 {
			t.Errorf("%d deliveries wait, want the one from before", h.Waiting)
		}
		r.deliver()
		if h := r.standing(); h.Waiting != 0 || len(r.partner.deliveries()) != 0 {
			t.Errorf("%d deliveries, hook = %+v, want neither", len(r.partner.deliveries()), h)
		}
	})
}

func TestNobodyIsNamedWhoseProfileIsPrivate(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		public := func(yes bool) {
			t.Helper()
			r.now = r.now.Add(time.Minute)
			if err := r.store.SetProfile(t.Context(), r.now, r.reader, flattr.Profile{Public: yes}); err != nil {
				t.Fatal(err)
			}
		}
		r.click("https://partner.example/before")
		public(true) // which does not reach back
		r.click("https://partner.example/while")
		r.deliver()
		offline := flattr.Event{ // made in private, and the ledger has it only now
			ID: flattr.EventID(uuid.Must(uuid.NewV7())), Kind: flattr.KindClick, At: r.now.Add(-30 * time.Second),
			Thing: flattr.ThingRef{URL: "https://partner.example/offline", Owner: "partner:ring:42"},
		}
		if _, err := r.store.Record(t.Context(), r.now, r.reader, []flattr.Event{offline}); err != nil {
			t.Fatal(err)
		}
		r.deliver()
		r.click("https://partner.example/hidden")
		public(false) // before the partner was told
		r.deliver()
		public(true)
		r.click("https://partner.example/again")
		r.deliver()
		var got []string
		for _, d := range r.partner.deliveries() {
			got = append(got, d.form.Get("claim_url")[len("https://ledger.example/claim?url=https%3A%2F%2Fpartner.example%2F"):]+":"+d.form.Get("flattrer_username"))
		}
		if fmt.Sprint(got) != "[before: while:ann offline: hidden: again:ann]" {
			t.Errorf("the partner was told %v", got)
		}
	})
}

func TestAPartnerThatIsAwayIsTriedWithBackOff(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		r.partner.answers(status(http.StatusBadGateway))
		r.click("https://partner.example/1")
		r.click("https://partner.example/2")
		r.deliver()
		if got := len(r.partner.deliveries()); got != 1 {
			t.Fatalf("%d tries, want one: the second waits too", got)
		}
		h := r.standing()
		if h.Waiting != 2 || h.Failures != 1 || h.Said != "the partner answered 502" || h.NextTry.After(start.Add(firstBound)) {
			t.Errorf("hook = %+v", h)
		}
		r.now = h.NextTry.Add(-time.Microsecond)
		if r.now.After(start) {
			r.deliver()
			if got := len(r.partner.deliveries()); got != 1 {
				t.Errorf("%d tries before it is time", got)
			}
		}
		first := r.partner.deliveries()[0].header.Get(headerDelivery)
		r.partner.answers(nil)
		r.now = start.Add(time.Minute)
		r.deliver()
		got := r.partner.deliveries()
		if len(got) != 3 || got[2].header.Get(headerDelivery) != first || got[1].header.Get(headerDelivery) == first {
			t.Errorf("%d deliveries, want the second click, then the first one with the id of its first try", len(got))
		}
		if h := r.standing(); h.Waiting != 0 || h.Failures != 0 || h.Said != "" {
			t.Errorf("hook = %+v, want all delivered", h)
		}
	})
}

func TestADeliveryIsGivenUpAndRetriedByTheOperator(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		r.partner.answers(func(w http.ResponseWriter, n int) {
			if n%2 == 1 { // the poor one comes first each time
				w.WriteHeader(http.StatusBadRequest)
			}
		})
		r.click("https://partner.example/bad")
		for i := range maxAttempts {
			r.click(fmt.Sprintf("https://partner.example/%d", i))
			r.deliver()
			r.now = r.now.Add(lastBound)
		}
		h := r.standing()
		if h.Waiting != 0 || h.GivenUp != 1 || h.Failures != 0 {
			t.Fatalf("hook = %+v, want the one delivery given up and no other held up by it", h)
		}
		r.partner.answers(nil)
		if n, err := r.store.RetryHook(t.Context(), r.now, "RING"); n != 1 || err != nil {
			t.Fatalf("RetryHook = %d, %v", n, err)
		}
		r.deliver()
		if h := r.standing(); h.Waiting != 0 || h.GivenUp != 0 {
			t.Errorf("hook = %+v", h)
		}
	})
}

func TestAnswersThatMeanMore(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter, n int)
		holds  func(h flattr.HookStanding) bool
	}{
		{"gone", status(http.StatusGone), func(h flattr.HookStanding) bool { return h.Stopped }},
		{"redirect", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusFound)
		}, func(h flattr.HookStanding) bool {
			return h.Failures == 1 && strings.Contains(h.Said, "redirects are not followed")
		}},
		{"busy", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}, func(h flattr.HookStanding) bool { return h.NextTry.Equal(start.Add(time.Hour)) }},
		{"busy for ever", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, func(h flattr.HookStanding) bool { return h.NextTry.Equal(start.Add(lastBound)) }},
		{"endless", func(w http.ResponseWriter, _ int) {
			_, _ = w.Write(make([]byte, 1<<20)) // it is cut off
		}, func(h flattr.HookStanding) bool { return h.Waiting == 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRing(t, storetest.SQLite(t))
			r.partner.answers(tt.answer)
			r.click("https://partner.example/1")
			r.deliver()
			if h := r.standing(); !tt.holds(h) {
				t.Errorf("hook = %+v", h)
			}
			if got := len(r.partner.deliveries()); got != 1 {
				t.Errorf("%d tries, want 1", got)
			}
			if tt.name == "gone" {
				r.click("https://partner.example/2")
				if h := r.standing(); h.Waiting != 1 {
					t.Errorf("a stopped hook is to be told of %d clicks, want no new one", h.Waiting)
				}
			}
		})
	}
}

func TestSeveralProcessesDoNotDeliverTwice(t *testing.T) {
	const clicks, processes = 60, 4
	each(t, func(t *testing.T, r *ring) {
		var urls []string
		for i := range clicks {
			urls = append(urls, fmt.Sprintf("https://partner.example/%d", i))
		}
		r.click(urls...)
		var all sync.WaitGroup
		for range processes {
			d := r.deliverer()
			all.Go(func() {
				for range 3 {
					if err := d.Deliver(t.Context()); err != nil {
						t.Errorf("Deliver = %v", err)
					}
				}
			})
		}
		all.Wait()
		r.deliver()
		ids := map[string]int{}
		for _, d := range r.partner.deliveries() {
			ids[d.header.Get(headerDelivery)]++
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s was delivered %d times", id, n)
			}
		}
		if len(ids) != clicks {
			t.Errorf("%d deliveries, want %d", len(ids), clicks)
		}
	})
}

func TestALeaseOfADeadProcessEnds(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		r.click("https://partner.example/1")
		dead := store.HookLease{Hook: r.standing().ID, Holder: "dead", Until: r.now.Add(leaseFor)}
		if mine, err := r.store.TakeHook(t.Context(), r.now, dead); !mine || err != nil {
			t.Fatalf("TakeHook = %v, %v", mine, err)
		}
		r.now = r.now.Add(leaseFor - time.Second)
		r.deliver()
		if got := len(r.partner.deliveries()); got != 0 {
			t.Fatalf("%d deliveries while another process has the lease", got)
		}
		r.now = r.now.Add(time.Second)
		r.deliver()
		if got := len(r.partner.deliveries()); got != 1 {
			t.Errorf("%d deliveries after the lease, want 1", got)
		}
		// The dead one wakes, and writes down nothing.
		if err := r.store.EndDelivery(t.Context(), r.now, dead, store.HookResult{Failures: 7}); !errors.Is(err, store.ErrLeaseLost) {
			t.Errorf("EndDelivery without the lease = %v", err)
		}
		if h := r.standing(); h.Failures != 0 {
			t.Errorf("hook = %+v", h)
		}
	})
}

func TestADeliveryThatHasBegunIsEndedWhenTheLedgerStops(t *testing.T) {
	r := newRing(t, storetest.SQLite(t))
	ctx, stop := context.WithCancel(t.Context())
	r.partner.answers(func(http.ResponseWriter, int) { stop() })
	r.click("https://partner.example/1")
	r.click("https://partner.example/2")
	r.deliverer().Run(ctx)
	if h := r.standing(); len(r.partner.deliveries()) != 1 || h.Waiting != 1 || h.Said != "" {
		t.Errorf("%d deliveries, hook = %+v, want one delivered and one left", len(r.partner.deliveries()), h)
	}
	if r.deliver(); len(r.partner.deliveries()) != 2 {
		t.Error("who starts again has to wait for the lease to end")
	}
}

func TestWhatMayNotBeDialledIsNot(t *testing.T) {
	r := newRing(t, storetest.SQLite(t))
	r.click("https://partner.example/1")
	d := r.deliverer()
	d.config.Client = NewClient(func(_, address string, _ syscall.RawConn) error { return fmt.Errorf("%s is private", address) })
	if err := d.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := r.standing(); len(r.partner.deliveries()) != 0 || !strings.Contains(h.Said, "is private") || strings.Contains(h.Said, "key=1") {
		t.Errorf("%d deliveries, hook = %+v", len(r.partner.deliveries()), h)
	}
}

func TestWhatIsTooOldOrTooMuchIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, r *ring) {
		r.click("https://partner.example/old")
		r.now = r.now.Add(store.DeliveriesSince)
		r.click("https://partner.example/new")
		if n, err := r.store.TrimHooks(t.Context(), r.now); n != 1 || err != nil {
			t.Errorf("TrimHooks = %d, %v, want the old one", n, err)
		}
		if h := r.standing(); h.Waiting != 1 || h.Dropped != 1 {
			t.Errorf("hook = %+v", h)
		}
		if n, err := r.store.TrimHooks(t.Context(), r.now); n != 0 || err != nil {
			t.Errorf("TrimHooks again = %d, %v", n, err)
		}
	})
}

func TestWaitsDoubleUpToABound(t *testing.T) {
	for _, tt := range []struct {
		before int
		most   time.Duration
	}{{0, firstBound}, {1, 2 * firstBound}, {5, 32 * firstBound}, {19, lastBound}, {1 << 20, lastBound}} {
		longest := time.Duration(0)
		for range 200 {
			got := wait(tt.before)
			if got < 0 || got > tt.most {
				t.Fatalf("wait(%d) = %s, want up to %s", tt.before, got, tt.most)
			}
			longest = max(longest, got)
		}
		if longest < tt.most/2 {
			t.Errorf("wait(%d) was never longer than %s, want up to %s", tt.before, longest, tt.most)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for raw, want := range map[string]flattr.Code{
		"https://partner.example/flattr?key=1": "",
		"https://partner.example":              "",
		"http://127.0.0.1:8080/":               "",
		"http://[::1]/":                        "",
		"http://partner.example/":              flattr.Invalid,
		"http://localhost/":                    flattr.Invalid,
		"https://user:secret@partner.example/": flattr.Invalid,
		"https://partner.example/#x":           flattr.Invalid,
		"https:///path":                        flattr.Invalid,
		"https://:443/":                        flattr.Invalid,
		"javascript:alert(1)":                  flattr.Invalid,
		"ftp://partner.example/":               flattr.Invalid,
		"":                                     flattr.Invalid,
		"https://partner.example/" + strings.Repeat("a", 2000): flattr.Invalid,
		"https://partner.example/\x00":                         flattr.Invalid,
	} {
		if got := flattr.CodeOf(CheckURL(raw)); got != want {
			t.Errorf("CheckURL(%.60q) = %q, want %q", raw, got, want)
		}
	}
}
