package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// stylePath is where the style sheet is.
const stylePath = "/static/style.css"

// pack makes a file smaller, for browsers that unpack it.
func pack(file []byte) ([]byte, error) {
	var out bytes.Buffer
	packer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("pack file: %w", err)
	}
	if _, err := packer.Write(file); err != nil {
		return nil, fmt.Errorf("pack file: %w", err)
	}
	if err := packer.Close(); err != nil {
		return nil, fmt.Errorf("pack file: %w", err)
	}
	return out.Bytes(), nil
}

// static serves the style sheet and the mark; a changed style sheet has
// another address.
func (s *Server) static() http.Handler {
	files := http.FileServerFS(staticFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r) // no listing
			return
		}
		age := "max-age=86400"
		if r.URL.RawQuery != "" {
			age = "max-age=31536000, immutable"
		}
		w.Header().Set("Cache-Control", "public, "+age)
		if r.URL.Path == stylePath {
			w.Header().Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
				h := w.Header()
				h.Set("Content-Type", "text/css; charset=utf-8")
				h.Set("Content-Encoding", "gzip")
				h.Set("Content-Length", strconv.Itoa(len(s.packed)))
				_, _ = w.Write(s.packed) // who asked may be gone
				return
			}
		}
		files.ServeHTTP(w, r)
	})
}
