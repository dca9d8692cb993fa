package companion

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"log"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"flattr/daemon/accounts"
)

//go:embed linkpage.html
var linkPage string

//go:embed linkpage.css
var linkStyle string

var linkTemplate = template.Must(template.New("link").Parse(linkPage))

// page is one of the pages a browser can come back to.
type page struct{ en, de words }

// words of a page; Name is put after the title of pageLinked.
type words struct{ Title, Text string }

var (
	pageLinked = page{
		words{"Signed in as", "Your clicks reach the ledger from now on. You can close this tab."},
		words{"Angemeldet als", "Deine Klicks kommen ab jetzt im Hauptbuch an. Du kannst diesen Tab schließen."},
	}
	pageDenied = page{
		words{"Not signed in", "You did not allow it, so nothing was changed. You can close this tab."},
		words{"Nicht angemeldet", "Du hast es nicht erlaubt, also wurde nichts geändert. Du kannst diesen Tab schließen."},
	}
	pageFailed = page{
		words{"That did not work", "The ledger did not confirm the sign-in. Click the Flattr button in the toolbar and sign in once more."},
		words{"Das hat nicht geklappt", "Das Hauptbuch hat die Anmeldung nicht bestätigt. Klick auf den Flattr-Knopf in der Symbolleiste und melde dich noch einmal an."},
	}
	pageFull = page{
		words{"One account too many", "You are signed in with " + mostAccounts + " accounts, and more are not possible. Sign out of one that you do not need, in a browser that uses it, on the page where you connected it; flattrd accounts lists them all. Then sign in here once more."},
		words{"Ein Konto zu viel", "Du bist mit " + mostAccounts + " Konten angemeldet, und mehr sind nicht möglich. Melde dich bei einem ab, das du nicht brauchst: in einem Browser, der es benutzt, auf der Seite, auf der du ihn verbunden hast; flattrd accounts zeigt dir alle. Melde dich dann hier noch einmal an."},
	}
	pageStranger = page{
		words{"This sign-in is not open", "It was used already, or took longer than ten minutes. Click the Flattr button in the toolbar and sign in once more."},
		words{"Diese Anmeldung ist nicht offen", "Sie wurde schon benutzt oder hat länger als zehn Minuten gedauert. Klick auf den Flattr-Knopf in der Symbolleiste und melde dich noch einmal an."},
	}
)

// mostAccounts is accounts.MaxAccounts as a page says it.
var mostAccounts = strconv.Itoa(accounts.MaxAccounts)

// linkPolicy allows the page its one style sheet and nothing else.
var linkPolicy = func() string {
	hash := sha256.Sum256([]byte(linkStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// showPage writes one of the pages in the reader's language.
func showPage(w http.ResponseWriter, status int, german bool, p page, name string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", linkPolicy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Connection", "close")
	w.WriteHeader(status)
	shown, language := p.en, "en"
	if german {
		shown, language = p.de, "de"
	}
	_ = linkTemplate.Execute(w, struct {
		words
		Language, Name string
		Style          template.CSS
	}{shown, language, name, template.CSS(linkStyle)})
}

// prefersGerman tells whether German comes before English in Accept-Language;
// browsers write their languages in order of preference.
func prefersGerman(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		switch tag := strings.ToLower(strings.TrimSpace(part)); {
		case strings.HasPrefix(tag, "de"):
			return true
		case strings.HasPrefix(tag, "en"):
			return false
		}
	}
	return false
}

// quiet writes what net/http complains about at the debug level only.
func quiet(logger *slog.Logger) *log.Logger {
	return slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
}
