package button

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"flattr/ledger/flattr"
)

// frameStyle is all style of the frame. It must not say color-scheme: where that
// is not the page's, browsers paint a background behind the frame.
const frameStyle = `
html,body{margin:0;background:none}
a{display:block;box-sizing:border-box;width:55px;height:62px;font:700 12px/20px system-ui,sans-serif;text-align:center;text-decoration:none;color:#1c2430}
b{display:block;box-sizing:border-box;height:36px;border:1px solid #8a93a1;border-radius:6px;background:#fff;font-size:16px;line-height:34px;font-variant-numeric:tabular-nums}
span{display:block;height:22px;margin-top:4px;border-radius:6px;background:#2f7d1f;color:#fff;line-height:22px;white-space:nowrap}
svg{width:11px;height:11px;margin-right:3px;vertical-align:-1px;fill:#fff}
a:not(.compact) span{font-size:10px;letter-spacing:.2px}
a:not(.compact) svg{width:10px;height:10px;margin-right:2px}
a.compact{display:flex;width:110px;height:20px;gap:4px}
.compact b{order:2;flex:1;height:20px;font-size:12px;line-height:18px}
.compact span{flex:0 0 64px;height:20px;margin:0;line-height:20px}
a:hover span,a:focus-visible span{background:#235f17}
a:focus-visible{outline:2px solid #2f7d1f;outline-offset:-2px;border-radius:6px}
@media(prefers-color-scheme:dark){a{color:#f2f4f7}b{background:#1c2430;border-color:#69727f}}
@media(forced-colors:active){span{border:1px solid ButtonText}svg{fill:CanvasText}}
`

var framePage = template.Must(template.New("frame").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Flattr</title>
<style>` + frameStyle + `</style>
</head>
<body>
<a{{if .Compact}} class="compact"{{end}} href="{{.Href}}" target="_top" title="{{.Label}}" aria-label="{{.Label}} ({{.Spoken}})"><b aria-hidden="true">{{.Shown}}</b><span aria-hidden="true"><svg viewBox="0 0 32 32"><path fill-rule="evenodd" d="` + markPath + `"/></svg>Flattr</span></a>
</body>
</html>
`))

// frameWords are what the frame says, by language; there is no visitor's choice,
// since the frame is the same for everybody.
var frameWords = map[string]words{
	"en": {"en", "Flattr this", "1 click", "%d clicks", "This button names no web address. Its page has to say which one is meant: url=https://…"},
	"de": {"de", "Flattern", "1 Klick", "%d Klicks", "Dieser Knopf nennt keine Webadresse. Seine Seite muss sagen, welche gemeint ist: url=https://…"},
}

type words struct{ lang, this, click, clicks, no string }

// wordsOf are the words for a language such as de_DE; English where there are none.
func wordsOf(language string) words {
	lang, _, _ := strings.Cut(language, "_")
	if w, known := frameWords[lang]; known {
		return w
	}
	return frameWords["en"]
}

// frame shows one button. A click on it opens the page of the thing, or where
// the thing is not known yet the one on which it can be flattred, in the window
// that the visitor sees.
func (s *Server) frame(w http.ResponseWriter, r *http.Request) {
	asked := ReadAsked(r.URL.RawQuery)
	words := wordsOf(asked.Language)
	w.Header().Set("Content-Security-Policy", s.policy)
	if asked.URL == "" {
		w.Header().Set("Cache-Control", "public, max-age=300")
		http.Error(w, words.no, http.StatusBadRequest)
		return
	}
	href, clicks := asked.Submit(s.public), 0
	thing, err := s.store.ThingByURL(r.Context(), asked.URL)
	switch {
	case err == nil:
		href, clicks = s.public.JoinPath("/thing", strconv.FormatInt(int64(thing.ID), 10)).String(), thing.Flattrs
	case flattr.CodeOf(err) == "":
		s.log.Error("find the thing of a button", "error", err) // the button is of use without its counter
	}
	label := words.this
	if title := asked.Title; title != "" {
		label += ": " + title
	} else if thing.Title != "" {
		label += ": " + thing.Title
	}
	spoken := strings.ReplaceAll(words.clicks, "%d", strconv.Itoa(clicks))
	if clicks == 1 {
		spoken = words.click
	}
	var out bytes.Buffer
	err = framePage.Execute(&out, map[string]any{
		"Lang": words.lang, "Compact": asked.Compact, "Href": href, "Label": label, "Spoken": spoken, "Shown": short(clicks),
	})
	if err != nil {
		s.log.Error("write a button", "error", err)
		http.Error(w, "This button cannot be shown now. Try again in a minute.", http.StatusInternalServerError)
		return
	}
	answer(w, r, file{kind: "text/html; charset=utf-8", body: out.Bytes(), mark: markOf(out.Bytes())}, frameAge)
}

// short writes a number so that it fits a button: 999, 1k, 12k, 1M.
func short(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n)
	case n < 1_000_000:
		return strconv.Itoa(n/1000) + "k"
	default:
		return strconv.Itoa(n/1_000_000) + "M"
	}
}
