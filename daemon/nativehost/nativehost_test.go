package nativehost_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flattr/daemon/nativehost"
	"flattr/daemon/wire"
)

var chromium = []string{"chrome-extension://" + nativehost.ChromiumIDs[0] + "/"}

func message(text string) []byte {
	return append(binary.NativeEndian.AppendUint32(nil, uint32(len(text))), text...)
}

func exchange(t *testing.T, args []string, in []byte) (wire.TicketAnswer, error) {
	t.Helper()
	var out bytes.Buffer
	err := nativehost.Run(args, bytes.NewReader(in), &out, func() wire.TicketAnswer { return wire.TicketAnswer{Port: 17890, Ticket: "T"} })
	var answer wire.TicketAnswer
	if err == nil {
		if length := binary.NativeEndian.Uint32(out.Bytes()); int(length) != out.Len()-4 {
			t.Errorf("length = %d of %d bytes", length, out.Len()-4)
		}
		if err := json.Unmarshal(out.Bytes()[4:], &answer); err != nil {
			t.Errorf("answer %q: %v", out.Bytes()[4:], err)
		}
	}
	return answer, err
}

func TestIDsAreThoseOfTheExtension(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "extension", "ids.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ids struct {
		Chrome  []string
		Firefox string
	}
	if err := json.Unmarshal(text, &ids); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ids.Chrome, nativehost.ChromiumIDs) || ids.Firefox != nativehost.FirefoxID {
		t.Errorf("ids.json has %v and %s, ids.go %v and %s", ids.Chrome, ids.Firefox, nativehost.ChromiumIDs, nativehost.FirefoxID)
	}
}

func TestTheHostSeesByItsArgumentsThatABrowserCalls(t *testing.T) {
	for _, call := range []struct {
		args []string
		want bool
	}{
		{chromium, true},
		{append(chromium, "--parent-window=0"), true},
		{[]string{"chrome-extension://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/"}, true}, // and is refused
		{[]string{"/home/a/.mozilla/native-messaging-hosts/org.flattr.pair.json", nativehost.FirefoxID}, true},
		{[]string{"/home/a/.mozilla/native-messaging-hosts/org.flattr.pair.json", "other@addon"}, false},
		{[]string{"/elsewhere.json", nativehost.FirefoxID}, false},
		{[]string{"status"}, false},
		{nil, false},
	} {
		if got := nativehost.Called(call.args); got != call.want {
			t.Errorf("Called(%q) = %v, want %v", call.args, got, call.want)
		}
	}
}

func TestOnlyOurExtensionGetsATicket(t *testing.T) {
	if answer, err := exchange(t, chromium, message(`{"type":"pair"}`)); err != nil || answer.Ticket != "T" || answer.Port != 17890 {
		t.Errorf("our extension: %+v, %v", answer, err)
	}
	if answer, err := exchange(t, []string{"/x/org.flattr.pair.json", nativehost.FirefoxID}, message(`{"type":"pair"}`)); err != nil || answer.Ticket != "T" {
		t.Errorf("our add-on: %+v, %v", answer, err)
	}
	if answer, err := exchange(t, []string{"chrome-extension://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/"}, message(`{"type":"pair"}`)); err != nil || answer.Ticket != "" || answer.Error != "not_trusted" || answer.Hint == "" {
		t.Errorf("another extension: %+v, %v, want not_trusted", answer, err)
	}
	if answer, err := exchange(t, chromium, message(`{"type":"spend"}`)); err != nil || answer.Ticket != "" || answer.Error == "" {
		t.Errorf("another request: %+v, %v, want an error", answer, err)
	}
}

func TestRequestsThatAreTooLongCutOffOrGarbageEndTheHost(t *testing.T) {
	for name, in := range map[string][]byte{
		"nothing":    nil,
		"half":       message(`{"type":"pair"}`)[:9],
		"garbage":    message(`pair`),
		"5 KiB":      message(`{"type":"pair","x":"` + strings.Repeat("x", 5<<10) + `"}`),
		"4 GiB said": {0xff, 0xff, 0xff, 0xff},
	} {
		if answer, err := exchange(t, chromium, in); err == nil {
			t.Errorf("%s: answer = %+v, want an error", name, answer)
		}
	}
}

func TestManifestsNameOurExtensionsOnly(t *testing.T) {
	for browser, want := range map[nativehost.Browser]string{
		nativehost.Chrome:   `"allowed_origins":["` + chromium[0] + `"]`,
		nativehost.Chromium: `"allowed_origins":["` + chromium[0] + `"]`,
		nativehost.Firefox:  `"allowed_extensions":["` + nativehost.FirefoxID + `"]`,
	} {
		text, err := nativehost.Manifest(browser, "/usr/bin/flattrd")
		if err != nil {
			t.Fatal(err)
		}
		var flat bytes.Buffer
		if err := json.Compact(&flat, text); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{want, `"name":"org.flattr.pair"`, `"path":"/usr/bin/flattrd"`, `"type":"stdio"`} {
			if !strings.Contains(flat.String(), part) {
				t.Errorf("%s: manifest lacks %s: %s", browser, part, flat.String())
			}
		}
	}
	if _, err := nativehost.Manifest("lynx", "/usr/bin/flattrd"); err == nil {
		t.Error("a manifest for lynx was written")
	}
	if _, err := nativehost.Manifest(nativehost.Chrome, "flattrd"); err == nil {
		t.Error("a manifest with a relative path was written; browsers ignore it")
	}
}

func FuzzRun(f *testing.F) {
	f.Add(message(`{"type":"pair"}`))
	f.Add([]byte{1, 0, 0, 0, '{'})
	f.Fuzz(func(t *testing.T, in []byte) { exchange(t, chromium, in) })
}
