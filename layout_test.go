// Package flattr_test holds the rules of the house: who may import whom, and
// what every package owes its reader.
package flattr_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// allowed is the table of imports: our own packages without the module's
// name, third-party ones by module path or a prefix of it. A package that is
// not here fails the test, so that nobody joins the house without a line.
var allowed = map[string]struct {
	sentence string   // what the package is, in one line
	imports  []string // what it may import, standard library aside
}{
	"daemon":                   {"bin/flattrd, joins the parts below", []string{"daemon/...", "ledger/api", "github.com/spf13/cobra", "golang.org/x/sys"}},
	"daemon/wire":              {"a leaf: types and version only", nil},
	"daemon/wire/gen":          {"writes the schema and the golden messages", []string{"daemon/wire", "github.com/invopop/jsonschema"}},
	"daemon/socket":            {"knows frames, not clicks", []string{"daemon/wire", "github.com/gorilla/websocket", "golang.org/x/sys"}},
	"daemon/socket/sockettest": {"the extension's side of the socket, for tests", []string{"daemon/socket", "daemon/wire", "github.com/gorilla/websocket"}},
	"daemon/database":          {"opens SQLite as the companion needs it", []string{"github.com/mattn/go-sqlite3"}},
	"daemon/accounts":          {"devices, keys and tickets in SQLite", []string{"daemon/database"}},
	"daemon/control":           {"the socket of the commands, by which the program speaks to itself", []string{"daemon/wire", "golang.org/x/sys"}},
	"daemon/nativehost":        {"hands over a ticket", []string{"daemon/wire"}},
	"daemon/clicklog":          {"the durable log in SQLite", []string{"daemon/wire", "daemon/database", "github.com/google/uuid"}},
	"daemon/backup":            {"copies of the databases: made, checked, bounded, restored", []string{"daemon/database", "daemon/accounts", "daemon/clicklog"}},
	"daemon/network":           {"tells of a new network", []string{"golang.org/x/sys"}},
	"daemon/courier":           {"carries clicks to the ledger", []string{"daemon/clicklog", "daemon/wire", "ledger/api", "github.com/cenkalti/backoff/v5", "github.com/google/uuid"}},
	"daemon/companion": {"joins the parts into the running companion", []string{
		"daemon/wire", "daemon/socket", "daemon/accounts", "daemon/backup", "daemon/clicklog", "daemon/control", "daemon/courier", "daemon/database", "daemon/network", "ledger/api", "ledger/thing", "github.com/google/uuid",
		"golang.org/x/oauth2",
	}},
	"daemon/osservice": {"a service of the operating system", []string{"github.com/kardianos/service"}},

	"ledger":        {"bin/flattr-ledger, joins the parts below", []string{"ledger/...", "github.com/spf13/cobra"}},
	"ledger/api":    {"a leaf: types, paths, client; the token exchange is x/oauth2's", []string{"golang.org/x/oauth2"}},
	"ledger/thing":  {"a leaf: the key of a thing", []string{"golang.org/x/net"}},
	"ledger/money":  {"a leaf: exact amounts", nil},
	"ledger/flattr": {"nouns and rules, no I/O", []string{"ledger/money", "ledger/thing", "github.com/google/uuid", "golang.org/x/text"}},
	"ledger/book":   {"double entry, no I/O", []string{"ledger/money", "github.com/google/uuid"}},
	"ledger/settle": {"month end as a pure function", []string{"ledger/money", "ledger/flattr", "ledger/book"}},
	"ledger/store": {"the SQL", []string{
		"ledger/money", "ledger/flattr", "ledger/book",
		"github.com/mattn/go-sqlite3", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3", "github.com/google/uuid",
	}},
	"ledger/store/storetest": {"fresh ledgers on each engine, for tests", []string{"github.com/jackc/pgx/v5"}},
	"ledger/closing":         {"drives a month through its states", []string{"ledger/money", "ledger/flattr", "ledger/book", "ledger/settle", "ledger/store"}},
	"ledger/report":          {"statements and audit", []string{"ledger/money", "ledger/flattr", "ledger/book", "ledger/store"}},
	"ledger/world":           {"load", []string{"ledger/money", "ledger/flattr", "ledger/store"}},
	"ledger/sync":            {"the companions' interface", []string{"ledger/api", "ledger/flattr", "ledger/limit", "ledger/store"}},
	"ledger/rest":            {"REST v2: the table of routes, decode, authorize, answer", []string{"ledger/flattr", "ledger/limit", "ledger/store"}},
	"ledger/claim":           {"who owns a site: checks, the bounded fetcher", []string{"ledger/flattr", "ledger/store", "golang.org/x/net"}},
	"ledger/claim/claimtest": {"names and sites on loopback, for tests", []string{"golang.org/x/net"}},
	"ledger/limit":           {"how often one may ask", []string{"golang.org/x/time"}},
	"ledger/button":          {"the publisher's buttons: loader, frame, badges, counters", []string{"ledger/flattr", "ledger/store"}},
	"ledger/oauth":           {"the authorization server", []string{"ledger/api", "ledger/flattr", "ledger/store", "github.com/ory/fosite"}},
	"ledger/chart":           {"bars and lines as SVG from numbers and labels", nil},
	"ledger/feed":            {"Atom feeds of things and flattrs", []string{"ledger/flattr", "ledger/store"}},
	"ledger/hook":            {"tells partners of clicks that nobody has claimed", []string{"ledger/flattr", "ledger/store", "github.com/cenkalti/backoff/v5", "github.com/google/uuid"}},
	"ledger/mail":            {"letters to members", []string{"ledger/api", "ledger/flattr", "ledger/money", "ledger/store", "github.com/wneessen/go-mail", "github.com/cenkalti/backoff/v5"}},
	"ledger/mail/mailtest":   {"a mail server on loopback, for tests", []string{"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"}},
	"ledger/passkey":         {"lets members in by passkeys", []string{"ledger/flattr", "ledger/store", "github.com/go-webauthn/webauthn"}},
	"ledger/web": {"pages for readers and authors", []string{
		"ledger/api", "ledger/button", "ledger/chart", "ledger/claim", "ledger/money", "ledger/flattr", "ledger/limit", "ledger/mail", "ledger/oauth", "ledger/passkey", "ledger/report", "ledger/store",
		"github.com/alexedwards/scs/v2", "github.com/alexedwards/argon2id", "github.com/google/uuid", "github.com/skip2/go-qrcode", "golang.org/x/text",
	}},

	"programtest": {"our programs as tests run them", nil},

	"installer":        {"writes the packages", []string{"github.com/goreleaser/nfpm/v2", "github.com/CycloneDX/cyclonedx-go", "github.com/google/uuid"}},
	"installer/reader": {"a browser's part, for the test of the packages", []string{"daemon/socket/sockettest", "daemon/wire"}},
}

const module = "flattr"

type goPackage struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Standard   bool
	Imports    []string
	GoFiles    []string
	CgoFiles   []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,Standard,Imports,GoFiles,CgoFiles", "./...")
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatalf("decode go list: %v", err)
		}
		if len(p.GoFiles)+len(p.CgoFiles) > 0 {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		t.Fatal("go list found no package")
	}
	return list
}

func ours(path string) string {
	rest, _ := strings.CutPrefix(path, module+"/")
	return rest
}

func TestImportsFollowTheTable(t *testing.T) {
	for _, p := range packages(t) {
		name := ours(p.ImportPath)
		row, known := allowed[name]
		if !known {
			t.Errorf("package %s has no row in the table of layout_test.go", name)
			continue
		}
		for _, imported := range p.Imports {
			first, _, _ := strings.Cut(imported, "/")
			if first != module && !strings.Contains(first, ".") {
				continue // standard library, or "C"
			}
			if !slices.ContainsFunc(row.imports, func(rule string) bool { return covers(rule, imported) }) {
				t.Errorf("%s imports %s, which the table does not allow (%s)", name, ours(imported), row.sentence)
			}
		}
		if runtime.GOOS != "linux" {
			continue // elsewhere files for Linux, and what they import, are left out
		}
		for _, rule := range row.imports {
			if !slices.ContainsFunc(p.Imports, func(imported string) bool { return covers(rule, imported) }) {
				t.Errorf("the row of %s allows %s, which it does not import", name, rule)
			}
		}
	}
}

// covers tells whether a rule of the table covers an import path.
func covers(rule, imported string) bool {
	first, _, _ := strings.Cut(rule, "/")
	if !strings.Contains(first, ".") {
		rule = module + "/" + rule
		if prefix, below := strings.CutSuffix(rule, "..."); below {
			return strings.HasPrefix(imported, prefix)
		}
		return imported == rule
	}
	return imported == rule || strings.HasPrefix(imported, rule+"/")
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("package %s has no package comment", ours(p.ImportPath))
		}
	}
}

// Rules and stores are told the time; only the programs ask the clock.
func TestOnlyMainReadsTheClock(t *testing.T) {
	forbidden := []string{"Now", "Since", "Until"}
	for _, p := range packages(t) {
		if p.Name == "main" || strings.HasSuffix(p.Name, "test") {
			continue // programs, and what only tests import
		}
		for _, file := range slices.Concat(p.GoFiles, p.CgoFiles) {
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok || !slices.Contains(forbidden, sel.Sel.Name) {
					return true
				}
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == "time" {
					t.Errorf("%s/%s:%d reads the clock by time.%s; take the time as an argument", ours(p.ImportPath), file, set.Position(n.Pos()).Line, sel.Sel.Name)
				}
				return true
			})
		}
	}
}

// tracked calls visit for every file of the project with one of the suffixes.
func tracked(t *testing.T, suffixes []string, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "node_modules", "dist", "bin", "var":
				return filepath.SkipDir
			}
			return nil
		}
		if !slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(path, s) }) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		visit(path, string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)`)
	reached := map[string]bool{}
	documents := []string{}
	tracked(t, []string{".md"}, func(path, text string) {
		documents = append(documents, path)
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(match[1], "://") || strings.HasPrefix(match[1], "mailto:") {
				continue
			}
			target := filepath.Join(filepath.Dir(path), match[1])
			reached[target] = true
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", path, match[1])
			}
		}
	})
	for _, path := range documents {
		if path != "README.md" && !reached[path] {
			t.Errorf("%s is reached from no other document", path)
		}
	}
}

// What must stand nowhere: paths of somebody's machine, hosts of registries,
// and the reference material outside of the tests that read it.
func TestNothingNamesWhereItWasMade(t *testing.T) {
	words := regexp.MustCompile(`/wor` + `k/main|/wor` + `k/shared|/tm` + `p/setup|proxy\.gol` + `ang\.org|registry\.npm` + `js\.org|deb\.deb` + `ian\.org`)
	reference := regexp.MustCompile(`\.\./shar` + `ed`)
	suffixes := []string{
		".go", ".ts", ".mjs", ".js", ".json", ".md", ".sql", ".html", ".css", ".txt", ".sh", ".ndjson", ".patch", ".yml", ".yaml",
		"Makefile", "run", "install", "test-packages", ".npmrc",
	}
	tracked(t, suffixes, func(path, text string) {
		for n, line := range strings.Split(text, "\n") {
			if found := words.FindString(line); found != "" {
				t.Errorf("%s:%d names %s", path, n+1, found)
			}
			isTest := strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".test.ts")
			if !isTest && reference.MatchString(line) {
				t.Errorf("%s:%d names the reference material outside of a test", path, n+1)
			}
		}
	})
}

// Long files and functions are a sign to look for two ideas, not an error.
func TestSizesAreAHint(t *testing.T) {
	const fileLines, functionLines = 400, 70
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, filepath.Join(p.Dir, file), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if lines := set.Position(tree.FileEnd).Line; lines > fileLines {
				t.Logf("hint: %s/%s has %d lines", ours(p.ImportPath), file, lines)
			}
			for _, decl := range tree.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; lines > functionLines {
					t.Logf("hint: %s.%s has %d lines", ours(p.ImportPath), fn.Name.Name, lines)
				}
			}
		}
	}
}
