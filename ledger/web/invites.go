package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/skip2/go-qrcode"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// letterPage is an invite as a member gives it away: on paper, or on a screen that
// is held up.
type letterPage struct {
	From  string // who invites
	Code  string
	Link  string
	Host  string
	Means money.Micro // that it carries
	Min   money.Micro
	QR    qrCode
}

// letter shows an invite of the member as a letter that can be printed.
func (s *Server) letter(w http.ResponseWriter, r *http.Request) {
	m, t := memberOf(r.Context()), s.tongues.of(r)
	invite, err := s.store.Invite(r.Context(), r.PathValue("code"))
	var refused *flattr.Error
	switch {
	case errors.As(err, &refused) || err == nil && invite.By != m.ID:
		s.notFound(w, r)
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("read invite: %w", err))
		return
	case invite.Used:
		s.problem(w, r, http.StatusGone, "invites.letter.title", "wrong.invite_used", "")
		return
	}
	page := letterPage{From: m.Name, Code: invite.Code, Link: s.inviteLink(invite.Code), Host: s.public.Host, Means: invite.Means, Min: flattr.MinBudget}
	if page.QR, err = newQRCode(page.Link); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "letter", t.say("invites.letter.title"), page)
}

// inviteLink is where an invite is taken up.
func (s *Server) inviteLink(code string) string {
	return s.public.JoinPath("/signup").String() + "?invite=" + url.QueryEscape(code)
}

// qrCode is a picture of a text (ISO/IEC 18004), drawn in units of one module.
type qrCode struct {
	Size int    // modules on each side, the quiet zone among them
	Path string // of the dark modules
}

func newQRCode(text string) (qrCode, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return qrCode{}, fmt.Errorf("draw QR code: %w", err)
	}
	var path strings.Builder
	bitmap := code.Bitmap()
	for y, row := range bitmap {
		for x := 0; x < len(row); x++ {
			run := 0
			for x+run < len(row) && row[x+run] {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x, y, run, run)
				x += run
			}
		}
	}
	return qrCode{Size: len(bitmap), Path: path.String()}, nil
}
