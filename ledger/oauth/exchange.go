package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/ory/fosite"

	"flattr/ledger/api"
)

// ServeToken is the token endpoint: it exchanges a code for a token. The client
// names itself by HTTP Basic or in the body, which is a form or JSON.
func (s *Server) ServeToken(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	plain, ok := s.decoded(w, r)
	if !ok {
		return
	}
	if plain.Header.Get("Authorization") == "" && plain.PostForm.Get("client_id") == "" {
		// Many name themselves only once they are asked to.
		s.refuse(w, r, nil, fosite.ErrInvalidClient.WithHint("Name the application, by HTTP Basic or by client_id and client_secret."))
		return
	}
	if err := s.complete(plain); err != nil {
		s.refuse(w, r, nil, err)
		return
	}
	request, err := s.provider.NewAccessRequest(ctx, plain, &fosite.DefaultSession{})
	if err != nil {
		s.refuse(w, r, request, err)
		return
	}
	answer, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		s.refuse(w, r, request, err)
		return
	}
	// Tokens do not expire; no number would say so.
	if plain, ok := answer.(*fosite.AccessResponse); ok {
		delete(plain.Extra, "expires_in")
	}
	s.provider.WriteAccessResponse(ctx, w, request, answer)
}

// ServeRevoke is the revocation endpoint (RFC 7009).
func (s *Server) ServeRevoke(w http.ResponseWriter, r *http.Request) {
	plain, ok := s.decoded(w, r)
	if !ok {
		return
	}
	s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), plain))
}

// refuse answers an error of the token endpoint, as RFC 6749 section 5.2 has it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, request fosite.AccessRequester, err error) {
	if errors.Is(err, fosite.ErrServerError) && errors.Is(err, fosite.ErrNotFound) { // the storage lost it after it was looked at
		err = fosite.ErrInvalidGrant.WithHint("The authorization code was used or revoked meanwhile.")
	}
	if errors.Is(err, fosite.ErrInvalidClient) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Flattr"`)
	}
	s.provider.WriteAccessError(r.Context(), w, request, err)
}

// complete adds what old clients leave out of an exchange. A code that was
// bound to a challenge is not given out without a verifier, whatever was tried
// before.
func (s *Server) complete(r *http.Request) error {
	form := r.PostForm
	if form.Get("code") == "" {
		return nil
	}
	code, err := s.store.Code(r.Context(), s.strategy.AuthorizeCodeSignature(r.Context(), form.Get("code")))
	if err != nil || code.Client == api.CompanionClient {
		return nil // fosite says what is wrong with it
	}
	if form.Get("redirect_uri") == "" {
		form.Set("redirect_uri", code.Redirect)
	}
	if code.Challenge != "" && form.Get("code_verifier") == "" {
		return fosite.ErrInvalidGrant.WithHint("The code_verifier is missing.")
	}
	return nil
}

// decoded is a request whose body was read, as the form that fosite knows. It
// answers itself where there is no reading it.
func (s *Server) decoded(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	refuse := func(status int, hint string) (*http.Request, bool) {
		problem := *fosite.ErrInvalidRequest
		problem.CodeField = status
		s.refuse(w, r, nil, problem.WithHint(hint))
		return nil, false
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFormBytes))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return refuse(http.StatusRequestEntityTooLarge, "The body is too long.")
	case err != nil:
		return refuse(http.StatusBadRequest, "The body could not be read.")
	}
	var form url.Values
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/json", bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")): // some say form of it
		form, err = jsonForm(raw)
	case err == nil && kind != "application/x-www-form-urlencoded":
		return refuse(http.StatusUnsupportedMediaType, "The body is a form or JSON.")
	default: // old clients do not always say that it is a form
		form, err = url.ParseQuery(string(raw))
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "The body is not what its Content-Type says.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return refuse(http.StatusBadRequest, "A parameter is given twice: "+strings.ToValidUTF8(name, "?")+".")
		}
	}
	plain := r.Clone(r.Context())
	plain.Body, plain.Form, plain.PostForm, plain.MultipartForm = http.NoBody, form, form, nil
	plain.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return plain, true
}

// jsonForm reads a flat object of texts as a form. Other values are none of a
// request's parameters and left out.
func jsonForm(raw []byte) (url.Values, error) {
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	form := url.Values{}
	for name, value := range object {
		if text, ok := value.(string); ok {
			form.Set(name, text)
		}
	}
	return form, nil
}
