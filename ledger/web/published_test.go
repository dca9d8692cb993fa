package web

import "testing"

func TestOnlyPagesOfOursAreReturnedTo(t *testing.T) {
	for _, path := range []string{
		"/thing/12", "/thing/12/a-song", "/t/12", "/profile/bob", "/user/bob", "/@bob", "/domain/bob.example", "/buttons", "/profile/j%C3%BCrgen",
		"/submit/auto?url=https%3A%2F%2Fbob.example%2F&user_id=bob", "/buttons?url=x", "/month",
	} {
		if got := safeNext(path); got != path {
			t.Errorf("safeNext(%q) = %q", path, got)
		}
	}
	for _, path := range []string{
		"", "//evil.example/thing/12", "https://evil.example/thing/12", "/\\evil.example/@bob", "/thing/12#x", "/thing/", "/thing/1/2/3", "/@", "/@bob/../x/y",
		"/flattr", "/signout", "javascript:/thing/1", "/thing/a%2fb", "\t//evil.example/@bob", "/x/@bob", "/submit/auto/more", "/@bob//evil.example",
	} {
		if got := safeNext(path); got != "" {
			t.Errorf("safeNext(%q) = %q, want nothing", path, got)
		}
	}
}
