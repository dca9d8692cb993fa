package thing

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"unicode/utf8"
)

// vector is one line of testdata/keys.json: a URL and its key, or the word of
// the error it is refused with.
type vector struct {
	URL   string `json:"url"`
	Key   string `json:"key"`
	Error string `json:"error"`
	Why   string `json:"why"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// errorWords are the words for errors that both languages use.
var errorWords = map[string]error{
	"long": ErrLong, "scheme": ErrScheme, "character": ErrCharacter,
	"user": ErrUser, "host": ErrHost, "port": ErrPort,
}

func TestVectorsGiveTheirKeys(t *testing.T) {
	for _, v := range vectors(t) {
		key, err := KeyOf(v.URL)
		if v.Error != "" {
			if !errors.Is(err, errorWords[v.Error]) || errorWords[v.Error] == nil {
				t.Errorf("%s: KeyOf(%.80q) = %q, %v, want error %q", v.Why, v.URL, key, err, v.Error)
			}
			continue
		}
		if err != nil || string(key) != v.Key {
			t.Errorf("%s: KeyOf(%.80q) = %q, %v, want %q", v.Why, v.URL, key, err, v.Key)
		}
	}
}

func TestBrokenUTF8IsRefused(t *testing.T) {
	if key, err := KeyOf("https://bob.example/\xff"); !errors.Is(err, ErrCharacter) {
		t.Errorf("KeyOf = %q, %v, want %v", key, err, ErrCharacter)
	}
}

// FuzzKeyOf holds that a key is ASCII, and that a URL made from a key has that
// key again.
func FuzzKeyOf(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.URL)
	}
	f.Fuzz(func(t *testing.T, url string) {
		key, err := KeyOf(url)
		if err != nil {
			return
		}
		for i := range len(key) {
			if key[i] <= ' ' || key[i] >= utf8.RuneSelf {
				t.Fatalf("KeyOf(%q) = %q: not printable ASCII", url, key)
			}
		}
		if len("http://")+len(key) > MaxURLBytes {
			return
		}
		// A host that still begins with www. after one was taken away loses
		// another; and a port may be the default of one scheme only.
		again, err := KeyOf("http://" + string(key))
		if err == nil && again != key {
			again, err = KeyOf("https://www." + string(key))
		}
		if err == nil && again != key {
			again, err = KeyOf("http://www." + string(key))
		}
		if err != nil || again != key {
			t.Fatalf("KeyOf(%q) = %q, but its own key is %q, %v", url, key, again, err)
		}
	})
}
