package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Headers of a delivery.
const (
	// headerSignature holds when a delivery was signed and by what a partner tells
	// that it is ours: see sign.
	headerSignature = "Flattr-Signature"
	// headerDelivery holds an id by which a partner tells that a delivery came
	// before: one whose answer was lost is made again.
	headerDelivery = "Flattr-Delivery"
)

// event is what partners are told of: a click on a thing that nobody has claimed.
const event = "pendingclickcreate"

// maxAnswer bounds what is read of an answer, so that its connection can be used
// again; nothing in it is looked at.
const maxAnswer = 4 << 10

// form is the body of a delivery, as partners of Flattr have always got it.
func form(d flattr.HookDelivery, claimURL string) url.Values {
	return url.Values{
		"_event":             {event},
		"thing_id":           {strconv.FormatInt(int64(d.Thing), 10)},
		"thing_owner_id":     {d.Asserted},
		"thing_clicks_total": {strconv.Itoa(d.Clicks)},
		"flattrer_username":  {d.Flattrer},
		"claim_url":          {claimURL},
	}
}

// sign is the value of headerSignature: t=SECONDS,v1=HEX, where HEX is the
// HMAC-SHA256 under the hook's secret of the seconds since 1970, a dot and the
// body. A partner refuses what is not signed so, and what was signed long ago.
func sign(secret string, at time.Time, body string) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, seconds+"."+body) // never fails
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// deliveryID is the same for a hook and a click whenever it is tried.
func deliveryID(id flattr.HookID, click flattr.EventID) string {
	return uuid.NewSHA1(uuid.UUID(click), []byte("hook:"+strconv.FormatInt(int64(id), 10))).String()
}

// post makes a delivery. It answers nil once the partner has it.
func (d *Deliverer) post(ctx context.Context, id flattr.HookID, work store.HookWork, delivery flattr.HookDelivery) *failure {
	body := form(delivery, d.config.ClaimURL(delivery.URL)).Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, work.URL, strings.NewReader(body))
	if err != nil {
		return &failure{err: err, server: true}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "flattr-ledger")
	request.Header.Set(headerDelivery, deliveryID(id, delivery.Click))
	request.Header.Set(headerSignature, sign(work.Secret, d.config.Now(), body))
	response, err := d.config.Client.Do(request)
	if err != nil {
		var asked *url.Error
		if errors.As(err, &asked) {
			err = asked.Err // without the address, which may hold a secret of the partner's
		}
		return &failure{err: err, server: true}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // an answer that is cut off is one
	return judge(response)
}

// judge says what an answer means.
func judge(response *http.Response) *failure {
	status := response.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	f := &failure{err: fmt.Errorf("the partner answered %d", status)}
	switch {
	case status == http.StatusGone:
		f.gone = true
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		f.server = true
		if seconds, err := strconv.ParseInt(response.Header.Get("Retry-After"), 10, 32); err == nil && seconds > 0 {
			f.retryAfter = min(time.Duration(seconds)*time.Second, lastBound)
		}
	case status < 400:
		f.server = true
		f.err = fmt.Errorf("the partner answered %d; redirects are not followed: register the address where it leads", status)
	}
	return f
}
