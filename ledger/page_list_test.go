package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flattr/ledger/api"
)

// viewer is who looks at a page.
type viewer string

const (
	visitor  viewer = "visitor" // not signed in
	asReader viewer = "reader"  // who has flattred for years
	asAuthor viewer = "author"  // of very many things
)

// listedPage is a page as it is asked for. In addresses {thing} is a thing of the
// author with clicks, {settled} the newest settled month, {grace} the one before the
// running one, {running} the running one, {invite} a code of the reader that is not
// used, {site} an address of the author's for which parts can be set, {author} and
// {reader} are names.
type listedPage struct {
	routes  string // patterns without their method, apart by blanks
	viewer  viewer
	address string
	file    bool // a download, which may be large and take its time
	late    bool // asked each time when nothing is kept of the time before
}

// sameThing are the addresses under which a thing is known from old links.
const (
	sameThing   = "/thing/{id} /thing/{id}/{$} /thing/{id}/{slug} /t/{id} /t/{id}/{$}"
	sameProfile = "/profile/{name} /profile/{name}/{$} /user/{name} /user/{name}/{$} /{at} /{at}/{$}"
	askConsent  = api.PathAuthorize + "?response_type=code&client_id=" + api.CompanionClient + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A49152%2Fcallback" +
		"&scope=companion&state=state-of-the-device&code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&code_challenge_method=S256"
)

// listedPages are all pages of the ledger: each is measured, and held to be small.
var listedPages = []listedPage{
	{routes: "/{$}", viewer: visitor, address: "/"},
	{routes: "/money", viewer: visitor, address: "/money"},
	{routes: "/privacy", viewer: visitor, address: "/privacy"},
	{routes: "/signup", viewer: visitor, address: "/signup?invite={invite}"},
	{routes: "/signin", viewer: visitor, address: "/signin"},
	{routes: "/signin/forgotten", viewer: visitor, address: "/signin/forgotten"},
	{routes: "/signin/reset", viewer: visitor, address: "/signin/reset?token={reset}"},
	{routes: "/mail/confirm", viewer: visitor, address: "/mail/confirm?token={confirm}"},
	{routes: "/mail/unsubscribe", viewer: visitor, address: "/mail/unsubscribe?token=none"},
	{routes: "/optout", viewer: visitor, address: "/optout"},
	{routes: "/language", viewer: visitor, address: "/language?to=de&next=%2F"},
	{routes: sameThing, viewer: visitor, address: "/thing/{thing}"},
	{routes: sameThing, viewer: asReader, address: "/thing/{thing}"},
	{routes: "/submit/auto /submit/auto/{$}", viewer: visitor, address: "/submit/auto?user_id={author}&url={site}&title=A+title"},
	{routes: sameProfile, viewer: visitor, address: "/profile/{author}"},
	{routes: sameProfile, viewer: asReader, address: "/@{reader}"},
	{routes: "/domain/{host} /domain/{host}/{$}", viewer: visitor, address: "/domain/prolific.example"},
	{routes: "/buttons", viewer: asAuthor, address: "/buttons?url={site}"},

	{routes: "/month", viewer: asReader, address: "/month"},
	{routes: "/invites/{code}", viewer: asReader, address: "/invites/{invite}"},
	{routes: "/history", viewer: asReader, address: "/history"},
	{routes: "/history/{month}", viewer: asReader, address: "/history/{settled}"},
	{routes: "/history/{month}", viewer: asReader, address: "/history/{grace}"},
	{routes: "/history/{month}/statement", viewer: asReader, address: "/history/{settled}/statement"},
	{routes: "/history/authors", viewer: asReader, address: "/history/authors"},
	{routes: "/history/clicks", viewer: asReader, address: "/history/clicks"},
	{routes: "/history/clicks", viewer: asReader, address: "/history/clicks?page=1000"},
	{routes: "/history/clicks", viewer: asReader, address: "/history/clicks?q=thing+number"},
	{routes: "/history/clicks", viewer: asReader, address: "/history/clicks?q=nothingofthekind"},
	{routes: "/history/clicks.csv", viewer: asReader, address: "/history/clicks.csv", file: true},
	{routes: "/history/clicks.json", viewer: asReader, address: "/history/clicks.json", file: true},
	{routes: "/history/promises", viewer: asReader, address: "/history/promises"},
	{routes: "/subscriptions", viewer: asReader, address: "/subscriptions"},
	{routes: "/grants", viewer: asReader, address: "/grants"},
	{routes: api.PathAuthorize, viewer: asReader, address: askConsent},
	{routes: "/welcome", viewer: asReader, address: "/welcome"},
	{routes: "/settings", viewer: asReader, address: "/settings"},
	{routes: "/settings/signin", viewer: asReader, address: "/settings/signin"},
	{routes: "/settings/mail", viewer: asReader, address: "/settings/mail"},
	{routes: "/settings/data", viewer: asReader, address: "/settings/data"},
	{routes: "/settings/data/flattr.zip", viewer: asReader, address: "/settings/data/flattr.zip", file: true},

	{routes: "/profile", viewer: asAuthor, address: "/profile"},
	{routes: "/applications", viewer: asAuthor, address: "/applications"},
	{routes: "/revenue", viewer: asAuthor, address: "/revenue"},
	{routes: "/revenue", viewer: asAuthor, address: "/revenue?month={settled}", late: true},
	{routes: "/revenue.csv", viewer: asAuthor, address: "/revenue.csv?month={settled}", file: true},
	{routes: "/revenue.json", viewer: asAuthor, address: "/revenue.json?month={settled}", file: true},
	{routes: "/claims", viewer: asAuthor, address: "/claims"},
	{routes: "/things", viewer: asAuthor, address: "/things"},
	{routes: "/things", viewer: asAuthor, address: "/things?page=200"},
	{routes: "/things", viewer: asAuthor, address: "/things?page=2", late: true},
	{routes: "/things", viewer: asAuthor, address: "/things?q=thing+number"},
	{routes: "/things/{id}", viewer: asAuthor, address: "/things/{thing}"},
	{routes: "/parts", viewer: asAuthor, address: "/parts"},
	{routes: "/parts/edit", viewer: asAuthor, address: "/parts/edit?url={site}"},
	{routes: "/notes", viewer: asAuthor, address: "/notes"},
	{routes: "/payout", viewer: asAuthor, address: "/payout"},
}

// Every page that the ledger serves is in the list, and nothing else is.
func TestEveryPageIsListed(t *testing.T) {
	served := routePatterns(t, http.MethodGet)
	if len(served) < 40 {
		t.Fatalf("only %d pages were found: %q", len(served), served)
	}
	listed := make(map[string]bool)
	for _, page := range listedPages {
		for _, route := range strings.Fields(page.routes) {
			listed[route] = true
			if !slices.Contains(served, route) {
				t.Errorf("%s is listed, and no page has that pattern", route)
			}
		}
	}
	for _, pattern := range served {
		if !listed[pattern] {
			t.Errorf("GET %s is no page of the list: add it to listedPages, so that its size and its time are known", pattern)
		}
	}
}

// routePatterns are the patterns of all routes of the pages with a method, as their
// source registers them.
func routePatterns(t *testing.T, method string) []string {
	t.Helper()
	parsed, files := pagesSource(t)
	constants := textConstants(parsed)
	patterns := make(map[string]bool)
	for _, file := range parsed["web"] {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			to, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || to.Sel.Name != "Handle" && to.Sel.Name != "HandleFunc" {
				return true
			}
			pattern, ok := patternOf(call.Args[0], constants)
			if !ok {
				t.Errorf("%s: this pattern is put together of more than texts and constants; write it so that it can be read here", files.Position(call.Pos()))
			}
			if path, fits := strings.CutPrefix(pattern, method+" "); fits && !strings.HasPrefix(path, "/static/") && path != "/favicon.ico" {
				patterns[path] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(patterns))
}

// pagesSource is the source of the pages and of the names they share with clients.
func pagesSource(t *testing.T) (map[string][]*ast.File, *token.FileSet) {
	t.Helper()
	files := token.NewFileSet()
	parsed := make(map[string][]*ast.File)
	for _, dir := range []string{"web", "api"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			parsed[dir] = append(parsed[dir], file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return parsed, files
}

// textConstants are the constants of texts: those of web by their name, those of
// other packages as "api.Name".
func textConstants(parsed map[string][]*ast.File) map[string]string {
	constants := make(map[string]string)
	for dir, all := range parsed {
		for _, file := range all {
			for _, declared := range file.Decls {
				group, ok := declared.(*ast.GenDecl)
				if !ok || group.Tok != token.CONST {
					continue
				}
				for _, spec := range group.Specs {
					of := spec.(*ast.ValueSpec)
					for i, value := range of.Values {
						if text, ok := patternOf(value, nil); ok && dir == "web" {
							constants[of.Names[i].Name] = text
						} else if ok {
							constants[dir+"."+of.Names[i].Name] = text
						}
					}
				}
			}
		}
	}
	return constants
}

// patternOf is what an expression of texts and constants says.
func patternOf(e ast.Expr, constants map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := patternOf(e.X, constants)
		right, alsoOK := patternOf(e.Y, constants)
		return left + right, ok && alsoOK && e.Op == token.ADD
	case *ast.Ident:
		text, ok := constants[e.Name]
		return text, ok
	case *ast.SelectorExpr:
		if from, ok := e.X.(*ast.Ident); ok {
			text, known := constants[from.Name+"."+e.Sel.Name]
			return text, known
		}
	}
	return "", false
}
