package rest

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/ledger/flattr"
)

// Bounds of a list.
const (
	defaultCount = 30
	maxCount     = 1000
	// maxOffset keeps page times count far from where numbers end.
	maxOffset = 1 << 31
	// maxIDs is how many things can be asked for at once.
	maxIDs = 100
)

// call is one request on its way through the interface.
type call struct {
	server   *Server
	r        *http.Request
	now      time.Time
	pattern  string            // method and pattern of its route, for the log
	root     string            // name of its answer in XML
	args     map[string]string // from the path
	query    url.Values
	sent     body
	format   string
	callback string // of JSONP; "" for none
	member   flattr.MemberID
	scopes   []string
	client   string // the application that the token was given to
	caller   string // who is counted
	rate     rate
}

func (c *call) ctx() context.Context { return c.r.Context() }

// method is what is to be done: old clients say PATCH, PUT and DELETE within a
// POST.
func (c *call) method() string {
	if c.r.Method != http.MethodPost {
		return c.r.Method
	}
	named, _ := c.text("_method")
	switch named = strings.ToUpper(named); named {
	case http.MethodPatch, http.MethodPut, http.MethodDelete:
		return named
	}
	return http.MethodPost
}

// arg is a parameter of the path.
func (c *call) arg(name string) string { return c.args[name] }

// text is a parameter of the body or else of the query, and whether it is there.
func (c *call) text(name string) (string, bool) {
	if values := c.sent.fields[name]; len(values) > 0 {
		return values[0], true
	}
	if values := c.query[name]; len(values) > 0 {
		return values[0], true
	}
	return "", false
}

// list is a parameter with several values: given several times, as a list, or
// separated by commas. The second value reports whether it is there.
func (c *call) list(name string) ([]string, bool) {
	values, ok := c.sent.fields[name]
	if !ok {
		values, ok = c.query[name]
	}
	all := []string{}
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all, ok
}

// flag is a parameter that is on or off; without a value it is on.
func (c *call) flag(name string) (on, given bool) {
	value, given := c.text(name)
	switch strings.ToLower(value) {
	case "0", "false", "no", "off":
		return false, given
	}
	return given, given
}

// items is what the list of a body holds, nil where the body is none.
func (c *call) items() []fields { return c.sent.items }

// full reports whether members and things within the answer are wanted whole.
func (c *call) full() bool {
	on, _ := c.flag("full")
	return on
}

// page is which part of a list is wanted. It refuses with invalid_parameters.
func (c *call) page() (limit, offset int, err error) {
	limit, err = c.number("count", defaultCount)
	if err != nil {
		return 0, 0, err
	}
	page, err := c.number("page", 1)
	if err != nil {
		return 0, 0, err
	}
	limit = min(limit, maxCount)
	if page-1 > maxOffset/limit {
		return 0, 0, refuse(codeParameters, "There is no such page.")
	}
	return limit, (page - 1) * limit, nil
}

// number is a parameter that is at least 1.
func (c *call) number(name string, otherwise int) (int, error) {
	text, _ := c.text(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, refuse(codeParameters, "The parameter "+name+" is a number from 1.")
	}
	return int(n), nil
}

// id is the thing that the path names. What is no id is not found.
func (c *call) id() (flattr.ThingID, error) { return thingID(c.arg("id")) }

func thingID(text string) (flattr.ThingID, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > flattr.MaxID {
		return 0, refuse(codeNotFound, "There is no such thing.")
	}
	return flattr.ThingID(n), nil
}

// ids are the things that the path names, separated by commas, and whether
// there is a comma.
func (c *call) ids() (ids []flattr.ThingID, several bool, err error) {
	raw := c.arg("id")
	parts := strings.Split(raw, ",")
	if len(parts) > maxIDs {
		return nil, true, refuse(codeParameters, "At most "+strconv.Itoa(maxIDs)+" things can be asked for at once.")
	}
	for _, part := range parts {
		if part = strings.TrimSpace(part); part == "" && len(parts) > 1 {
			continue
		}
		id, err := thingID(part)
		if err != nil && len(parts) == 1 {
			return nil, false, err
		}
		if err == nil {
			ids = append(ids, id)
		}
	}
	return ids, len(parts) > 1, nil
}

// callbacks is what may stand before the bracket in JSONP.
var callbacks = regexp.MustCompile(`^[A-Za-z_$][\w$.]{0,63}$`)

// callbackOf is the function that a JSONP answer calls. It is for pages that
// ask for what everybody may see, and for nothing else.
func callbackOf(c *call) (string, error) {
	callback := c.query.Get("jsonp")
	switch {
	case callback == "":
		return "", nil
	case c.r.Method != http.MethodGet || c.r.Header.Get("Authorization") != "":
		return "", refuse(codeInvalid, "JSONP is for GET without a token.")
	case c.format != formatJSON:
		return "", refuse(codeInvalid, "JSONP is for JSON.")
	case !callbacks.MatchString(callback):
		return "", refuse(codeParameters, "The parameter jsonp is the name of a function, of at most 64 characters.")
	}
	return callback, nil
}

// checkText refuses text that is no text.
func checkText(values ...string) error {
	for _, text := range values {
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return refuse(codeValidation, "Text is UTF-8 without the character 0.")
		}
	}
	return nil
}
