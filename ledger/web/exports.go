package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/report"
)

// Limits of downloads.
const (
	// downloadTimeout bounds a download; it is less than the server has for any
	// answer, so that what is broken off is known here.
	downloadTimeout = 50 * time.Second
	// A member may take five files at once, and then one every ten seconds: each
	// reads everything they ever did.
	downloadBurst, downloadInterval = 5, 10 * time.Second
	// maxExported bounds the months of one file: a century.
	maxExported = 1200
)

// exports adds the files of a reader's clicks.
func (s *Server) exports(mux *http.ServeMux) {
	mux.HandleFunc("GET /history/clicks.csv", s.member(s.exportClicks(report.CSV, "text/csv; charset=utf-8")))
	mux.HandleFunc("GET /history/clicks.json", s.member(s.exportClicks(report.JSON, "application/json")))
}

// exportClicks hands a reader the clicks of settled months with what each gave:
// of one month, of a year, or of all.
func (s *Server) exportClicks(format report.Format, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m := memberOf(r.Context())
		before, from, name := flattr.MonthOf(s.now()).Next(), flattr.Month(0), "all"
		month, year := r.URL.Query().Get("month"), r.URL.Query().Get("year")
		switch {
		case month != "":
			one, err := flattr.ParseMonth(month)
			if err != nil {
				s.problem(w, r, http.StatusBadRequest, "problem.title", "wrong.month", "")
				return
			}
			before, from, name = one.Next(), one, one.String()
		case year != "":
			one, err := strconv.Atoi(year)
			if err != nil || one < 1 || one > 9998 {
				s.problem(w, r, http.StatusBadRequest, "problem.title", "wrong.month", "")
				return
			}
			before, from, name = flattr.Month(one*100+101), flattr.Month(one*100+1), strconv.Itoa(one)
		}
		given, err := s.store.GivenMonths(r.Context(), m.ID, before, from, maxExported)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		var months []flattr.Month
		for i := len(given) - 1; i >= 0; i-- { // oldest first
			if given[i].State == flattr.Closed {
				months = append(months, given[i].Month)
			}
		}
		if month != "" && len(months) == 0 {
			s.problem(w, r, http.StatusNotFound, "problem.title", "wrong.month", "")
			return
		}
		s.hand(w, r, fmt.Sprintf("flattr-clicks-%s.%s", name, format), contentType, func(ctx context.Context, to io.Writer) error {
			return report.ReaderMonths(ctx, s.store, m.Name, months, format, to)
		})
	}
}

// hand streams a file to the member who asks for it. What fails after the
// first bytes breaks the download off, so that nobody takes a part for the whole.
func (s *Server) hand(w http.ResponseWriter, r *http.Request, name, contentType string, write func(context.Context, io.Writer) error) {
	now := s.now()
	if wait := s.downloads.Take(fmt.Sprint(memberOf(r.Context()).ID), now); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		s.problem(w, r, http.StatusTooManyRequests, "problem.title", "wrong.too_many", "")
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), downloadTimeout)
	defer cancel()
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	if err := write(ctx, w); err != nil {
		s.log.Error("download broken off", "page", r.Pattern, "error", err)
		panic(http.ErrAbortHandler)
	}
}
