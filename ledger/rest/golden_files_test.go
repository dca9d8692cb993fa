package rest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// goldenFile is a request and its answer, as a golden file keeps them.
type goldenFile struct {
	file   string
	route  *route // nil: there is none for the request
	format string // asked for by the path's suffix
	status int
	media  string // without parameters
	body   string // as answered
}

// goldenFiles reads all of them.
func (d *desk) goldenFiles() (all []goldenFile) {
	d.t.Helper()
	for _, pattern := range []string{"*.http", "*/*.http"} {
		files, err := filepath.Glob(filepath.Join("testdata", "golden", pattern))
		if err != nil || len(files) == 0 {
			d.t.Fatalf("%d golden files %s, %v", len(files), pattern, err)
		}
		for _, file := range files {
			g, err := d.readGoldenFile(file)
			if err != nil {
				d.t.Fatalf("%s: %v", file, err)
			}
			all = append(all, g)
		}
	}
	return all
}

func (d *desk) readGoldenFile(file string) (g goldenFile, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return g, err
	}
	request, answer, _ := strings.Cut(string(text), "\n\n")
	head, body, _ := strings.Cut(answer, "\n\n")
	status, header, _ := strings.Cut(head, "\n")
	g.file, g.body = file, strings.TrimSuffix(body, "\n")
	if g.status, err = strconv.Atoi(strings.TrimSpace(status)); err != nil {
		return g, fmt.Errorf("no status: %w", err)
	}
	for line := range strings.Lines(header) {
		if kind, ok := strings.CutPrefix(line, "Content-Type: "); ok {
			if g.media, _, err = mime.ParseMediaType(strings.TrimSpace(kind)); err != nil {
				return g, err
			}
		}
	}
	line, _, _ := strings.Cut(request, "\n")
	method, path, _ := strings.Cut(line, " ")
	if strings.Contains(request, "_method=patch") {
		method = http.MethodPatch
	}
	path, _, _ = strings.Cut(strings.TrimPrefix(path, Base), "?")
	found, suffix := d.server.match(path)
	g.route, g.format = found.named(method), suffix
	return g, nil
}

// value is what a body in JSON or YAML says, or a text.
func (g goldenFile) value() (value any, err error) {
	switch g.media {
	case "text/plain":
		return g.body, nil
	case "application/yaml":
	default:
		err = json.Unmarshal([]byte(strings.ReplaceAll(g.body, `"id":ID`, `"id":1`)), &value) // where ids are not known beforehand
		return value, err
	}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(g.body, "id: ID", "id: 1")), &value); err != nil {
		return nil, err
	}
	text, err := json.Marshal(value) // numbers as JSON reads them
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	return value, err
}

// code is that of an error in any format, "" where the answer is none.
func (g goldenFile) code() string {
	if found := errorCodes.FindStringSubmatch(g.body); found != nil && g.status >= 400 {
		return found[1]
	}
	return ""
}

// errorCodes is how each format says the code of an error.
var errorCodes = regexp.MustCompile(`(?:"error":|<error>|\berror: )"?([a-z_]+)\b`)
