package rest

import (
	"compress/gzip"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// answered is what a handler returns whose answer is not 200.
type answered struct {
	Status   int
	Location string
	Body     any // nil: none
}

// packFrom is from how many bytes on an answer is packed: below, packing makes
// it longer or spares no packet.
const packFrom = 1024

// write sends what a handler returned.
func (c *call) write(w http.ResponseWriter, result any) {
	status := http.StatusOK
	if said, ok := result.(answered); ok {
		if status = said.Status; said.Location != "" {
			w.Header().Set("Location", c.called(said.Location))
		}
		result = said.Body
	}
	if result == nil {
		if status == http.StatusOK {
			status = http.StatusNoContent
		}
		w.WriteHeader(status)
		return
	}
	text, err := encode(c.format, c.root, result)
	if err != nil {
		c.fail(w, err)
		return
	}
	c.send(w, status, text)
}

// called is an address of ours to which a script is led, with the function that
// it calls there too.
func (c *call) called(location string) string {
	if c.callback == "" {
		return location
	}
	return location + "?jsonp=" + url.QueryEscape(c.callback)
}

// fail sends an error. Where the format is not known, or cannot say it, it is
// JSON.
func (c *call) fail(w http.ResponseWriter, err error) {
	p, expected := problemOf(err)
	log := c.server.Log
	switch {
	case p.status == http.StatusServiceUnavailable:
		log.Warn("ledger busy", "path", c.pattern, "error", err)
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "5")
		}
	case !expected && c.ctx().Err() == nil:
		log.Error("request failed", "path", c.pattern, "error", err)
	}
	if c.format != formatXML && c.format != formatYAML {
		c.format = formatJSON
	}
	text, err := encode(c.format, "error", errorBody{p.code, p.description, c.server.meaning(p.code)})
	if err != nil {
		log.Error("encode error", "error", err)
	}
	c.send(w, p.status, text)
}

// meaning is where the reference says what a code means.
func (s *Server) meaning(code string) string {
	return s.Public.JoinPath("docs", "api").String() + "#" + code
}

// packers are gzip writers that are not in use: each has a window of its own.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// send sends text in the format of the call, as JSONP where that is wanted,
// packed where that is taken.
func (c *call) send(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	media := formats[c.format].media[0]
	if c.callback != "" {
		media = "application/javascript"
		if status >= http.StatusBadRequest {
			status = http.StatusOK // browsers run no script of another status, and the page would never read the error
		}
		// The comment keeps the callback from being the first bytes of a file.
		text = append([]byte("/**/"+c.callback+"("), append(text, ");"...)...)
	}
	h.Set("Content-Type", media+"; charset=utf-8")
	if len(text) < packFrom || !takesGzip(c.r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(status)
		_, _ = w.Write(text) // who asked may be gone
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	packer := packers.Get().(*gzip.Writer)
	defer packers.Put(packer)
	packer.Reset(w)
	_, _ = packer.Write(text) // who asked may be gone
	_ = packer.Close()
}

// takesGzip reports whether a client takes gzip.
func takesGzip(accepted string) bool {
	for part := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name = strings.TrimSpace(name); name == "gzip" || name == "*" {
			return strings.Trim(strings.TrimSpace(weight), "q=0. ") != "" || weight == ""
		}
	}
	return false
}
