package rest

import (
	"net/http"
	"strings"

	"flattr/ledger/flattr"
)

var identity = parameter{
	Name: "identity", In: "body", Kind: "string", Required: true,
	Meaning: "partner:NAMESPACE:ID, or only ID, as buttons name the owner.",
}

var verifyRoutes = []route{
	{
		Method: http.MethodPost, Pattern: "/user/verify", Token: true, Root: "verify",
		Summary:    "A partner says which of its authors the member is who gave it this token. Its pages that name this author are theirs then.",
		Parameters: []parameter{identity},
		Answers:    []outcome{{http.StatusOK, verified{}, "The member is known by that identity from now on."}},
		Errors:     []string{codeInvalid, codeValidation},
		handle:     verify,
	},
	{
		Method: http.MethodPost, Pattern: "/users/:name/verify", Token: true, Root: "verify",
		Summary:    "The same, for the member of that name, whose token it must be.",
		Parameters: []parameter{byName, identity},
		Answers:    []outcome{{http.StatusOK, verified{}, "The member is known by that identity from now on."}},
		Errors:     []string{codeInvalid, codeValidation},
		handle: func(c *call) (any, error) {
			m, err := c.named()
			if err != nil && flattr.CodeOf(err) != flattr.NotFound {
				return nil, err
			}
			if err != nil || m.ID != c.member {
				return nil, refuse(codeSignIn, "") // only who has a member's token speaks for them
			}
			return verify(c)
		},
	},
	{
		Method: http.MethodGet, Pattern: "/subscription-status", Token: true, Root: "status",
		Summary: "Whether the member the token acts for gives this month.",
		Answers: []outcome{{http.StatusOK, payingStatus{}, "isPaying where the month's budget is set aside, or there are means for it."}},
		handle:  getStatus,
	},
}

// verified says by which identity a member is known.
type verified struct {
	Message     string `json:"message"` // ok
	Description string `json:"description"`
	Identity    string `json:"identity"`
}

func verify(c *call) (any, error) {
	text, _ := c.text("identity")
	if text = strings.TrimSpace(text); text == "" {
		return nil, refuse(codeInvalid, "The parameter identity is missing.")
	}
	whole, err := c.server.Store.Identify(c.ctx(), c.now, c.client, c.member, text)
	if flattr.CodeOf(err) == flattr.Forbidden {
		return nil, refuse(codeSignIn, "") // as clients expect it of who is no partner
	}
	if err != nil {
		return nil, err
	}
	return verified{"ok", "Identity was verified", whole}, nil
}

// payingStatus says whether a member gives.
type payingStatus struct {
	IsPaying  bool          `json:"isPaying"`
	ExpiresAt int64         `json:"expiresAt"` // unix, the end of the month; 0 where isPaying is false
	Payload   payingPayload `json:"payload"`
}

// payingPayload says who it is about.
type payingPayload struct {
	Username string `json:"username"`
	Month    string `json:"month"` // 2026-11
}

func getStatus(c *call) (any, error) {
	m, err := c.server.Store.Member(c.ctx(), c.member)
	if err != nil {
		return nil, err
	}
	paying, month, err := c.paying(c.member)
	if err != nil {
		return nil, err
	}
	status := payingStatus{IsPaying: paying, Payload: payingPayload{Username: m.Name, Month: month.String()}}
	if paying {
		status.ExpiresAt = month.Next().Start().Unix()
	}
	return status, nil
}

// paying reports whether a member's budget of the running month is set aside, or
// could be.
func (c *call) paying(m flattr.MemberID) (bool, flattr.Month, error) {
	means, months, err := c.server.Store.Summaries(c.ctx(), c.now, m)
	if err != nil {
		return false, 0, err
	}
	running := months[0]
	return running.Held > 0 || means >= running.Budget, running.Month, nil
}
