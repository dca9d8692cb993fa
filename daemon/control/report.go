package control

import (
	"fmt"
	"strings"
	"time"

	"flattr/daemon/wire"
)

// Device is a browser profile as its user sees it.
type Device struct {
	ID      string    `json:"id"`      // 32 bytes, base64url without padding
	Origin  string    `json:"origin"`  // of the extension
	Account string    `json:"account"` // "ann at https://ledger.example"; "" when not signed in
	Made    time.Time `json:"made"`
	Used    time.Time `json:"used,omitzero"`
	Present bool      `json:"present"` // connected now
}

// Account is one of the user's accounts with what is known of its month.
type Account struct {
	Name       string               `json:"name"`
	Ledger     string               `json:"ledger"`
	Unsent     int                  `json:"unsent"`
	LastSync   time.Time            `json:"lastSync,omitzero"`
	MeansMicro int64                `json:"meansMicro"`
	Months     []wire.MonthSummary  `json:"months"`
	Problems   []wire.StatusProblem `json:"problems"`
	Browsers   int                  `json:"browsers"`            // that act for it
	SignedOut  bool                 `json:"signedOut,omitempty"` // the companion has no token for it
}

// AccountList is the accounts of a user: all that are signed in, and the latest
// of those that are signed out.
type AccountList struct {
	Accounts []Account `json:"accounts"`
	More     int       `json:"more"` // that are signed out, and not listed
}

// Report is what a user of the machine may know about the companion.
type Report struct {
	Version     string    `json:"version"`
	Port        int       `json:"port"`
	Ledger      string    `json:"ledger"` // the default
	Started     time.Time `json:"started"`
	Devices     int       `json:"devices"`
	Present     int       `json:"present"` // devices connected now
	LastRefusal string    `json:"lastRefusal,omitempty"`
	RefusedAt   time.Time `json:"refusedAt,omitzero"`
	Accounts    []Account `json:"accounts"`
	// Problems are those of the companion's own files.
	Problems []wire.StatusProblem `json:"problems"`
}

// Well tells whether the reader has nothing to do.
func (r Report) Well() bool {
	if len(r.Problems) > 0 || r.Devices == 0 || len(r.Accounts) == 0 {
		return false
	}
	for _, account := range r.Accounts {
		if len(account.Problems) > 0 {
			return false
		}
	}
	return true
}

// Text says in five lines whether all is well: companion, browser, account,
// unsent, month.
func (r Report) Text() string {
	lines := []string{
		fmt.Sprintf("companion  running, version %s, port %d, since %s", r.Version, r.Port, r.Started.UTC().Format("2006-01-02 15:04 UTC")),
		"browser    " + r.browser(),
		"account    none yet: click the Flattr button in the browser's toolbar and sign in",
		"unsent     0",
		"month      nothing yet",
	}
	for _, problem := range r.Problems {
		lines[0] += " (" + problem.Sentence + ")"
	}
	if len(r.Accounts) > 0 {
		var names, unsent, months []string
		for _, account := range r.Accounts {
			names = append(names, account.named())
			unsent = append(unsent, account.unsent())
			months = append(months, account.month())
		}
		lines[2] = "account    " + strings.Join(names, "; ")
		lines[3] = "unsent     " + strings.Join(unsent, "; ")
		lines[4] = "month      " + strings.Join(months, "; ")
	}
	return strings.Join(lines, "\n") + "\n"
}

func (r Report) browser() string {
	var text string
	switch {
	case r.Devices == 0:
		text = "none paired: open the extension's page in the browser and click Connect, or run: flattrd pair"
	case r.Devices == 1:
		text = fmt.Sprintf("1 paired, %d connected", r.Present)
	default:
		text = fmt.Sprintf("%d paired, %d connected", r.Devices, r.Present)
	}
	if r.LastRefusal != "" {
		text += fmt.Sprintf(" (last refusal %s: %s)", r.RefusedAt.UTC().Format("2006-01-02 15:04 UTC"), r.LastRefusal)
	}
	return text
}

func (a Account) named() string {
	text := a.Name + " at " + a.Ledger
	for _, problem := range a.Problems {
		text += " (" + problem.Sentence + ")"
	}
	return text
}

func (a Account) unsent() string {
	if a.LastSync.IsZero() {
		return fmt.Sprintf("%d, the ledger has not answered yet", a.Unsent)
	}
	return fmt.Sprintf("%d, last sync %s", a.Unsent, a.LastSync.UTC().Format("2006-01-02 15:04 UTC"))
}

func (a Account) month() string {
	if len(a.Months) == 0 {
		return "not known yet"
	}
	var texts []string
	for _, m := range a.Months {
		text := fmt.Sprintf("%s: budget %s EUR, %s", m.Month, euros(m.BudgetMicro), counted(m.Clicks, "click"))
		if m.Clicks > 0 {
			text += fmt.Sprintf(", %s EUR each", euros(m.ShareMicro))
		}
		if m.Promises > 0 {
			text += ", " + counted(m.Promises, "promise")
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// counted is a number of things: "1 click", "2 clicks".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// euros writes micro-EUR with two decimals, or three where two would hide a
// tenth of a cent.
func euros(micro int64) string {
	if micro%10_000 == 0 {
		return fmt.Sprintf("%d.%02d", micro/1_000_000, micro/10_000%100)
	}
	return fmt.Sprintf("%d.%03d", micro/1_000_000, micro/1_000%1_000)
}

// DevicesText lists devices, one a line.
func DevicesText(devices []Device) string {
	if len(devices) == 0 {
		return "No browser is paired. Open the extension's page in the browser and click Connect, or run: flattrd pair\n"
	}
	var out strings.Builder
	for _, d := range devices {
		used := "never used"
		switch {
		case d.Present:
			used = "connected now"
		case !d.Used.IsZero():
			used = "last used " + d.Used.UTC().Format("2006-01-02")
		}
		account := d.Account
		if account == "" {
			account = "not signed in"
		}
		fmt.Fprintf(&out, "%.8s  %s, %s, %s\n", d.ID, strings.SplitN(d.Origin, ":", 2)[0], account, used)
	}
	return out.String()
}

// Text lists the accounts, one a line.
func (l AccountList) Text() string {
	if len(l.Accounts) == 0 {
		return "No account yet. Click the Flattr button in the browser's toolbar and sign in.\n"
	}
	var out strings.Builder
	for _, a := range l.Accounts {
		acting := counted(a.Browsers, "browser")
		if a.SignedOut {
			acting = "signed out; sign in again in the browser"
		}
		fmt.Fprintf(&out, "%s, %s, unsent %s\n", a.named(), acting, a.unsent())
	}
	if l.More > 0 {
		fmt.Fprintf(&out, "and %d more that were signed out earlier; flattrd export has the clicks of all\n", l.More)
	}
	return out.String()
}
