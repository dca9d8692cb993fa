package mail

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	texttemplate "text/template"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

//go:embed words/*.json letter.html letter.txt
var files embed.FS

// topAuthors is how many authors a summary names.
const topAuthors = 10

// words are what a letter of one kind says in one language. In its sentences
// stand {name}, {ledger}, {detail}, {when} and {address}.
type words struct {
	Subject string   `json:"subject"`
	Lines   []string `json:"lines"`
	Link    string   `json:"link"`  // what the link does
	After   []string `json:"after"` // the link
}

// letters writes letters.
type letters struct {
	config Config
	key    []byte                      // signs links that end summaries
	words  map[string]map[string]words // by language and kind
	text   *texttemplate.Template
	html   *template.Template
}

func newLetters(config Config, key []byte) (*letters, error) {
	l := &letters{config: config, key: key, words: map[string]map[string]words{}}
	for _, language := range []string{"en", "de"} {
		raw, err := files.ReadFile("words/" + language + ".json")
		if err != nil {
			return nil, fmt.Errorf("read words of letters: %w", err)
		}
		said := map[string]words{}
		if err := json.Unmarshal(raw, &said); err != nil {
			return nil, fmt.Errorf("read words of letters in %s: %w", language, err)
		}
		l.words[language] = said
	}
	var err error
	if l.text, err = texttemplate.ParseFS(files, "letter.txt"); err != nil {
		return nil, fmt.Errorf("read letter: %w", err)
	}
	if l.html, err = template.ParseFS(files, "letter.html"); err != nil {
		return nil, fmt.Errorf("read letter: %w", err)
	}
	return l, nil
}

// sheet is what stands in a letter.
type sheet struct {
	Language, Subject, Hello string
	Lines                    []string
	Link, LinkText           string
	Table                    []tableRow
	TableHead                [3]string
	Below                    string // the table
	After                    []string
	Unsubscribe, NoMore      string // address, and what it does
}

// tableRow is an author in a summary.
type tableRow struct{ Name, Clicks, Share string }

// saying fills the sentences of a letter.
type saying struct{ fill *strings.Replacer }

// say puts values in: once, so that a value that looks like one is none.
func (s saying) say(texts ...string) []string {
	said := make([]string, len(texts))
	for i, text := range texts {
		said[i] = s.fill.Replace(text)
	}
	return said
}

// language is one that letters are written in.
func (l *letters) language(of string) string {
	if _, known := l.words[of]; known {
		return of
	}
	return "en"
}

// compose writes a letter, with a link made for it; nil where there is nothing
// to say any more.
func (l *letters) compose(ctx context.Context, letter store.Letter) (*gomail.Msg, error) {
	language := l.language(letter.Language)
	kind := string(letter.Kind)
	if letter.Kind == store.LetterAllowed && letter.Detail == api.CompanionClient {
		kind = "companion"
	}
	said, known := l.words[language][kind]
	if !known {
		return nil, fmt.Errorf("no words for a letter %q", kind)
	}
	link, err := l.link(ctx, letter)
	if flattr.CodeOf(err) == flattr.NotFound { // it was withdrawn after it was taken up
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	detail := printable(letter.Detail)
	page := sheet{Language: language, Link: link, LinkText: said.Link}
	if letter.Kind == store.LetterSummary {
		month, err := flattr.ParseMonth(letter.Detail)
		if err != nil {
			return nil, fmt.Errorf("read month of a letter: %w", err)
		}
		detail = l.config.Format.Month(language, month)
		if some, err := l.summary(ctx, &page, letter, month); err != nil || !some {
			return nil, err
		}
	}
	who, what, err := l.others(letter, language, detail)
	if err != nil {
		return nil, err
	}
	fill := saying{strings.NewReplacer(
		"{name}", letter.Name, "{ledger}", l.config.Public.Host, "{detail}", detail,
		"{who}", who, "{what}", what,
		"{when}", l.config.Format.Moment(language, letter.Made), "{address}", letter.Address)}
	common := l.words[language]["all"]
	page.Subject = fill.say(said.Subject)[0]
	page.Hello = fill.say(common.Subject)[0]
	page.Lines = append(fill.say(said.Lines...), page.Lines...)
	page.After = fill.say(said.After...)
	if page.Unsubscribe == "" && letter.Kind != store.LetterDeleted {
		page.After = append(page.After, fill.say(common.After...)...)
	}
	return l.message(letter, page)
}

// others are whom else a letter is about, and what it was about with them.
func (l *letters) others(letter store.Letter, language, detail string) (who, what string, err error) {
	first, second, _ := strings.Cut(detail, " ")
	switch letter.Kind {
	case store.LetterGift:
		micro, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return "", "", fmt.Errorf("read amount of a letter: %w", err)
		}
		return second, l.config.Format.Euro(language, money.Micro(micro)), nil
	case store.LetterShared:
		return first, second, nil
	default:
		return "", "", nil
	}
}

// link is the address that a letter leads to.
func (l *letters) link(ctx context.Context, letter store.Letter) (string, error) {
	made := store.Link{Member: letter.Member, Address: letter.Address, Letter: letter.ID}
	now := l.config.Now()
	path := ""
	switch letter.Kind {
	case store.LetterConfirm:
		path, made.Kind, made.Expires = "mail/confirm", store.LinkConfirm, now.Add(store.ConfirmFor)
	case store.LetterReset:
		path, made.Kind, made.Expires = "signin/reset", store.LinkReset, now.Add(store.ResetFor)
	case store.LetterSummary:
		return l.at("history/"+letter.Detail, nil), nil
	case store.LetterPassword, store.LetterPasskey, store.LetterPasskeyGone:
		return l.at("settings/signin", nil), nil
	case store.LetterPayout:
		return l.at("payout", nil), nil
	case store.LetterAllowed:
		return l.at("grants", nil), nil
	case store.LetterAddress:
		return l.at("settings/mail", nil), nil
	case store.LetterGift:
		return l.at("history/clicks", nil), nil
	case store.LetterShared, store.LetterParts:
		return l.at("parts", nil), nil
	case store.LetterDeleted:
		return l.at("privacy", nil), nil
	}
	token, err := l.config.Store.MakeLink(ctx, now, made)
	if err != nil {
		return "", err
	}
	return l.at(path, url.Values{"token": {token}}), nil
}

// at is the address of a page of the ledger.
func (l *letters) at(path string, query url.Values) string {
	page := l.config.Public.JoinPath(path)
	page.RawQuery = query.Encode()
	return page.String()
}

// summary writes what a month was for a member; false where it was nothing.
func (l *letters) summary(ctx context.Context, page *sheet, letter store.Letter, month flattr.Month) (bool, error) {
	sum, err := l.config.Store.Summary(ctx, month, letter.Member, topAuthors)
	if err != nil || sum.Clicks == 0 && sum.Earned == 0 {
		return false, err
	}
	said, euro := l.words[page.Language]["month"], l.config.Format.Euro
	tell := func(line, amount string, count int) string {
		return strings.NewReplacer("{amount}", amount, "{count}", strconv.Itoa(count)).Replace(line)
	}
	if sum.Clicks > 0 {
		page.Lines = append(page.Lines, tell(said.Lines[min(sum.Clicks, 2)-1], euro(page.Language, sum.Budget), sum.Clicks))
		page.TableHead = [3]string(said.After)
		for _, a := range sum.Authors {
			page.Table = append(page.Table, tableRow{a.Name, strconv.Itoa(a.Clicks), euro(page.Language, a.Share)})
		}
	}
	if sum.More > 0 {
		page.Below = tell(said.Lines[1+min(sum.More, 2)], "", sum.More)
	}
	if sum.Clicks == 0 {
		page.Link, page.LinkText = l.at("revenue", nil), l.words[page.Language]["earned"].Link
	}
	if sum.Earned > 0 {
		page.Lines = append(page.Lines, tell(said.Lines[4], euro(page.Language, sum.Earned), 0))
	}
	page.Unsubscribe = l.at("mail/unsubscribe", url.Values{"token": {unsubscribeToken(l.key, letter.Member)}})
	page.NoMore = said.Link
	return true, nil
}

// message is a letter as it is sent: as text and as HTML, without pictures or
// anything that would tell us that it was read.
func (l *letters) message(letter store.Letter, page sheet) (*gomail.Msg, error) {
	var text, html bytes.Buffer
	if err := l.text.Execute(&text, page); err != nil {
		return nil, fmt.Errorf("write letter: %w", err)
	}
	if err := l.html.Execute(&html, page); err != nil {
		return nil, fmt.Errorf("write letter: %w", err)
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from := l.config.Server.From
	m.FromMailAddress(&from)
	if err := m.To(letter.Address); err != nil {
		return nil, fmt.Errorf("the letter's address cannot be written to")
	}
	m.Subject(page.Subject)
	m.SetDateWithValue(l.config.Now())
	m.SetMessageIDWithValue(letter.ID.String() + "@" + l.config.Server.domain())
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("Content-Language", page.Language)
	if page.Unsubscribe != "" {
		m.SetListUnsubscribe(page.Unsubscribe)
		m.SetListUnsubscribePost()
	}
	m.SetBodyString(gomail.TypeTextPlain, text.String())
	m.AddAlternativeString(gomail.TypeTextHTML, html.String())
	return m, nil
}

// maxDetail bounds what others have named, in characters.
const maxDetail = 80

// printable is a name that others gave, on one line and without what would turn
// the text around it.
func printable(name string) string {
	shown := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, name))
	if len(shown) > maxDetail {
		shown = append(shown[:maxDetail], '…')
	}
	return strings.Join(strings.Fields(string(shown)), " ")
}
