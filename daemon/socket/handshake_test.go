package socket

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// vectors are the values of two whole connections, in hex.
type vectors struct {
	Vectors []struct {
		Name      string
		Kind      string
		P         string
		T         string
		Origin    string
		Port      uint16
		Hello     string
		Challenge string
		Finish    string
		AuthKey   string `json:"auth_key"`
		MacD      string
		MacE      string
		FramesE2D []frame `json:"frames_e2d"`
		FramesD2E []frame `json:"frames_d2e"`
	}
}

type frame struct {
	Frame     string
	Plaintext string `json:"plaintext_utf8"`
}

func TestHandshakeAgreesWithItsVectors(t *testing.T) {
	checkVectors(t, filepath.Join("testdata", "vectors.json"))
}

func TestHandshakeAgreesWithTheSharedVectors(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "vectors", "local-protocol.json")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("reference vectors are not beside the project: %v", err)
	}
	checkVectors(t, path)
}

func checkVectors(t *testing.T, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all vectors
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Vectors) < 2 {
		t.Fatalf("%s has %d connections, want 2 or more", path, len(all.Vectors))
	}
	for _, v := range all.Vectors {
		hello, err := ParseHello(unhex(t, v.Hello))
		if err != nil {
			t.Fatalf("%s: ParseHello: %v", v.Name, err)
		}
		equal(t, v.Name+": Hello.Encode", hello.Encode(), v.Hello)
		if (hello.Kind == KindTicket) != (v.Kind == "ticket") {
			t.Errorf("%s: kind = %d, want %s", v.Name, hello.Kind, v.Kind)
		}
		challenge, mac, err := ParseChallenge(unhex(t, v.Challenge))
		if err != nil {
			t.Fatalf("%s: ParseChallenge: %v", v.Name, err)
		}
		secrets, err := Derive(unhex(t, v.P), v.Origin, v.Port, hello, challenge)
		if err != nil {
			t.Fatalf("%s: Derive: %v", v.Name, err)
		}
		equal(t, v.Name+": T", secrets.transcript[:], v.T)
		equal(t, v.Name+": auth", secrets.auth, v.AuthKey)
		equal(t, v.Name+": macD", secrets.Proof(Daemon), v.MacD)
		equal(t, v.Name+": macE", secrets.Proof(Extension), v.MacE)
		equal(t, v.Name+": challenge", append(challenge.Head(), secrets.Proof(Daemon)...), v.Challenge)
		equal(t, v.Name+": finish", EncodeFinish(secrets.Proof(Extension)), v.Finish)
		if !secrets.Proves(Daemon, mac) || secrets.Proves(Extension, mac) {
			t.Errorf("%s: the daemon's proof is not told from the extension's", v.Name)
		}
		checkFrames(t, v.Name, secrets, ToDaemon, v.FramesE2D)
		checkFrames(t, v.Name, secrets, ToExtension, v.FramesD2E)
	}
}

func checkFrames(t *testing.T, name string, secrets Secrets, direction Direction, frames []frame) {
	t.Helper()
	seal, err := secrets.Box(direction)
	if err != nil {
		t.Fatal(err)
	}
	open, err := secrets.Box(direction)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		equal(t, name+": seal "+string(direction), seal.Seal([]byte(f.Plaintext)), f.Frame)
		plain, err := open.Open(unhex(t, f.Frame))
		if err != nil || string(plain) != f.Plaintext {
			t.Errorf("%s: open %s = %q, %v, want %q", name, direction, plain, err, f.Plaintext)
		}
	}
}

func TestAFrameOpensOnceAndInItsOrderOnly(t *testing.T) {
	secrets, err := Derive(bytes.Repeat([]byte{7}, 16), "chrome-extension://a", 17890, Hello{}, Challenge{})
	if err != nil {
		t.Fatal(err)
	}
	box := func(direction Direction) *Box {
		b, err := secrets.Box(direction)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	seal := box(ToDaemon)
	first, second := seal.Seal([]byte("first")), seal.Seal([]byte("second"))

	if _, err := box(ToDaemon).Open(second); err == nil {
		t.Error("the second frame opened as the first")
	}
	if _, err := box(ToExtension).Open(first); err == nil {
		t.Error("a frame opened in the other direction")
	}
	open := box(ToDaemon)
	if _, err := open.Open(first); err != nil {
		t.Fatalf("open the first frame: %v", err)
	}
	if _, err := open.Open(first); err == nil {
		t.Error("a frame opened twice")
	}
	first[0] ^= 1
	if _, err := box(ToDaemon).Open(first); err == nil {
		t.Error("a changed frame opened")
	}
}

func FuzzParseHello(f *testing.F) {
	f.Add(Hello{Kind: KindDevice, Lowest: 1, Highest: 3}.Encode())
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, message []byte) {
		hello, err := ParseHello(message)
		if err == nil && !bytes.Equal(hello.Encode(), message) {
			t.Errorf("ParseHello(%x) = %+v, which encodes differently", message, hello)
		}
	})
}

func FuzzParseChallengeAndFinish(f *testing.F) {
	f.Add(append(Challenge{Version: 1}.Head(), make([]byte, macBytes)...))
	f.Add(EncodeFinish(make([]byte, macBytes)))
	f.Fuzz(func(t *testing.T, message []byte) {
		if challenge, mac, err := ParseChallenge(message); err == nil && !bytes.Equal(append(challenge.Head(), mac...), message) {
			t.Errorf("ParseChallenge(%x) encodes differently", message)
		}
		if mac, err := parseFinish(message); err == nil && !bytes.Equal(EncodeFinish(mac), message) {
			t.Errorf("parseFinish(%x) encodes differently", message)
		}
	})
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func equal(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("%s = %x, want %s", what, got, want)
	}
}
