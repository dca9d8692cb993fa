package rest

import (
	"net/url"
	"testing"

	"flattr/ledger/flattr"
)

func TestAddresses(t *testing.T) {
	c := &call{server: &Server{Config: Config{Public: &url.URL{Scheme: "https", Host: "ledger.example"}}}}
	for _, test := range []struct {
		raw, url, owner string
		id              flattr.ThingID
	}{
		{"https://bob.example/a?b=1#c", "https://bob.example/a?b=1#c", "", 0},
		{" http%3A%2F%2Fbob.example%2Fa ", "http://bob.example/a", "", 0},
		{"https://FLATTR.com/thing/12/a-slug", "", "", 12},
		{"http://ledger.example/t/12", "", "", 12},
		{"https://ledger.example/rest/v2/things/12", "", "", 12},
		{"https://flattr.com.evil.example/thing/12", "https://flattr.com.evil.example/thing/12", "", 0},
		{"https://evil.example/?https://flattr.com/thing/12", "https://evil.example/?https://flattr.com/thing/12", "", 0},
		{"https://flattr.com/submit/auto?uid=bob&url=https%3A%2F%2Fbob.example%2F", "https://bob.example/", "bob", 0},
		{"https://flattr.com/submit/auto/?url=http://bob.example/&amp;user_id=bob", "http://bob.example/", "bob", 0},
		{"https://flattr.com/submit/auto?url=http://bob.example/&owner=partner:player:7", "http://bob.example/", "partner:player:7", 0},
		{"https://flattr.com/profile/bob", "https://flattr.com/profile/bob", "", 0},
	} {
		a, err := c.addressOf(test.raw)
		if err != nil || a.id != test.id || a.ref.URL != test.url || a.asserted() != test.owner {
			t.Errorf("addressOf(%q) = %+v, %v, want thing %d, URL %q of %q", test.raw, a, err, test.id, test.url, test.owner)
		}
	}
}

// FuzzAddress holds that what is read of an address is always a thing's.
func FuzzAddress(f *testing.F) {
	f.Add("https://flattr.com/submit/auto?user_id=bob&url=https%3A%2F%2Fbob.example%2F&tags=a,b&hidden=1")
	f.Add("https://ledger.example/thing/4711/slug?x")
	f.Add("http%3A%2F%2Fbob.example%2F%ff")
	f.Add("javascript:alert(1)")
	c := &call{server: &Server{Config: Config{Public: &url.URL{Scheme: "https", Host: "ledger.example"}}}}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := c.addressOf(raw)
		if err != nil {
			if _, expected := problemOf(err); !expected {
				t.Errorf("addressOf(%q) = %v, which is no refusal", raw, err)
			}
			return
		}
		if _, err := flattr.KeyOf(a.ref.URL); (a.id == 0) == (err != nil) || a.id < 0 || a.id > flattr.MaxID {
			t.Errorf("addressOf(%q) = %+v, which names no thing: %v", raw, a, err)
		}
	})
}
