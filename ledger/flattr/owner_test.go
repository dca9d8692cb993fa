package flattr

import (
	"net/url"
	"testing"
)

func TestOneOwnerIsNamedHoweverManyKeysThereAre(t *testing.T) {
	for query, want := range map[string]string{
		"url=x": "", "owner=partner:a:1": "partner:a:1", "uid=ann&owner=partner:a:1": "partner:a:1",
		"owner=+&uid=ann&user_id=bob": "bob", "user_id=+&uid=ann": "ann",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := NamedOwner(values.Get); got != want {
			t.Errorf("%s names %q, want %q", query, got, want)
		}
	}
}
