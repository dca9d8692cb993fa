package oauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ory/fosite"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Request is an authorization request that is in order and waits for consent.
type Request struct {
	asked fosite.AuthorizeRequester
	form  url.Values
	app   *store.App
}

// App is the application that asks, nil for the companion.
func (q *Request) App() *store.App { return q.app }

// Scopes are what it asks to be allowed.
func (q *Request) Scopes() []string { return q.asked.GetRequestedScopes() }

// Origin is where the answer goes: scheme and host, or a scheme alone.
func (q *Request) Origin() string {
	redirect := q.asked.GetRedirectURI()
	if redirect.Host == "" {
		return redirect.Scheme + ":"
	}
	return redirect.Scheme + "://" + redirect.Host
}

// Form is the request as it has to come back with the member's answer.
func (q *Request) Form() url.Values { return q.form }

// Refusal is an authorization request that is not in order.
type Refusal struct {
	Reason string // English, for the error page
	asked  fosite.AuthorizeRequester
	state  string
	cause  error
}

// Error says what is wrong with the request.
func (r *Refusal) Error() string { return "authorization request: " + r.Reason }

// parameters are what an authorization request may carry.
var parameters = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}

// Begin reads an authorization request from the query or the form of r. The
// error is a *Refusal when the request is not in order.
func (s *Server) Begin(r *http.Request) (*Request, error) {
	form, err := formOf(r)
	if err != nil {
		return nil, err
	}
	client, app, err := s.storage.clientInForce(r.Context(), form.Get("client_id"))
	switch {
	case errors.Is(err, fosite.ErrNotFound):
		return nil, &Refusal{Reason: "there is no application with its client_id"}
	case err != nil:
		return nil, err
	case app == nil && !isLoopbackCallback(form.Get("redirect_uri")):
		return nil, &Refusal{Reason: "redirect_uri is not http://127.0.0.1:PORT" + api.CompanionCallback}
	case app != nil && form.Get("redirect_uri") == "":
		form.Set("redirect_uri", app.Callback)
	case app != nil && !sameCallback(app.Callback, form.Get("redirect_uri")):
		return nil, &Refusal{Reason: "redirect_uri is not the callback that is registered for the application"}
	}
	// Old clients send a short state or none, which fosite would refuse; it goes
	// back as it came, by send.
	inner := maps.Clone(form)
	inner.Set("state", strings.Repeat("-", fosite.MinParameterEntropy))
	clean := r.Clone(r.Context())
	clean.Form, clean.PostForm, clean.MultipartForm = inner, inner, nil
	clean.Body = http.NoBody
	clean.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	asked, err := s.provider.NewAuthorizeRequest(r.Context(), clean)
	if err == nil {
		err = checkBinding(form, client.IsPublic())
	}
	if err != nil {
		return nil, refusal(asked, form.Get("state"), err)
	}
	return &Request{asked: asked, form: form, app: app}, nil
}

// formOf is what a request may carry, each parameter once and bounded.
func formOf(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, &Refusal{Reason: "its form cannot be read"}
	}
	form := url.Values{}
	for _, name := range parameters {
		values := r.Form[name]
		if len(values) > 1 || len(values) == 1 && len(values[0]) > maxParameter {
			return nil, &Refusal{Reason: name + " is given twice or too long"}
		}
		if len(values) == 1 {
			form.Set(name, values[0])
		}
	}
	if form.Get("response_type") == "access_token" {
		form.Set("response_type", "token") // as Flattr's own reference once had it
	}
	if scopes := r.Form["scopes"]; !form.Has("scope") && len(scopes) == 1 && len(scopes[0]) <= maxParameter {
		form.Set("scope", scopes[0]) // as some old clients have it
	}
	if form.Has("scope") {
		form.Set("scope", spaced(form.Get("scope")))
	}
	return form, nil
}

// checkBinding looks at what fosite looks at only when it makes the code, so
// that a member is not asked for a consent that cannot be used. A public client
// must bind its request to itself, by a challenge and a state nobody guesses.
func checkBinding(form url.Values, public bool) error {
	challenged := form.Get("code_challenge") != "" || form.Get("code_challenge_method") != ""
	if (public || challenged) && (form.Get("code_challenge_method") != "S256" || !isChallenge(form.Get("code_challenge"))) {
		return fosite.ErrInvalidRequest.WithHint("PKCE with code_challenge_method=S256 is required.")
	}
	if public && len(form.Get("state")) < fosite.MinParameterEntropy {
		return fosite.ErrInvalidState.WithHint("The state is too short.")
	}
	return nil
}

// isLoopbackCallback holds the redirect to the one form that companions use,
// byte for byte.
func isLoopbackCallback(raw string) bool {
	return strings.HasPrefix(raw, "http://127.0.0.1:") && sameCallback("http://127.0.0.1"+api.CompanionCallback, raw)
}

// isChallenge tells the form of a SHA-256 in base64url without padding.
func isChallenge(s string) bool {
	const sha256Base64 = 43
	return len(s) == sha256Base64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func refusal(asked fosite.AuthorizeRequester, state string, err error) *Refusal {
	known := fosite.ErrorToRFC6749Error(err)
	reason := known.HintField
	if reason == "" {
		reason = known.DescriptionField
	}
	return &Refusal{Reason: strings.TrimSuffix(reason, "."), asked: asked, state: state, cause: err}
}

// Redirect tells the program what was wrong with its request, if its address
// is sound; else it does nothing and reports false.
func (s *Server) Redirect(w http.ResponseWriter, refused *Refusal) bool {
	if refused.asked == nil || !refused.asked.IsRedirectURIValid() {
		return false
	}
	send(w, refused.asked, refused.state, fosite.ErrorToRFC6749Error(refused.cause).ToValues())
	return true
}

// Allow answers the program with a code (or a token) that stands for the
// member's consent, which was given in a browser of that name.
func (s *Server) Allow(w http.ResponseWriter, r *http.Request, q *Request, member flattr.MemberID, agent string) error {
	for _, scope := range q.asked.GetRequestedScopes() {
		q.asked.GrantScope(scope)
	}
	session := &fosite.DefaultSession{Subject: strconv.FormatInt(int64(member), 10), Extra: map[string]any{inBrowser: agent}}
	answer, err := s.provider.NewAuthorizeResponse(r.Context(), q.asked, session)
	if err != nil {
		known := fosite.ErrorToRFC6749Error(err)
		if known.CodeField >= http.StatusInternalServerError {
			return fmt.Errorf("make authorization code: %w", err)
		}
		send(w, q.asked, q.form.Get("state"), known.ToValues())
		return nil
	}
	values := answer.GetParameters()
	values.Del("expires_in") // tokens do not expire; no number would say so
	send(w, q.asked, q.form.Get("state"), values)
	return nil
}

// Deny tells the program that the member does not want it.
func (s *Server) Deny(w http.ResponseWriter, q *Request) {
	send(w, q.asked, q.form.Get("state"), fosite.ErrAccessDenied.WithHint("The member did not allow it.").ToValues())
}

// send leads the browser to the program with an answer, in the query, or in the
// fragment where a token was asked for. The state goes back as it came, and none
// where none came. fosite would rewrite the callback's own query.
func send(w http.ResponseWriter, asked fosite.AuthorizeRequester, state string, values url.Values) {
	values.Del("state")
	if state != "" {
		values.Set("state", state)
	}
	to := asked.GetRedirectURI().String()
	switch {
	case asked.GetResponseTypes().ExactOne("token"):
		to += "#"
	case strings.Contains(to, "?"):
		to += "&"
	default:
		to += "?"
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Location", to+values.Encode())
	w.WriteHeader(http.StatusSeeOther)
}
