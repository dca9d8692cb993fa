package socket

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"flattr/daemon/wire"
)

// Sizes of the three handshake messages, in bytes.
const (
	helloBytes     = 70
	challengeHead  = 35
	challengeBytes = challengeHead + macBytes
	finishBytes    = 1 + macBytes
	macBytes       = 32
	keyBytes       = 32
	tagBytes       = 16
)

// The first byte of each handshake message.
const (
	tagHello     = 1
	tagChallenge = 2
	tagFinish    = 3
)

// Kind says what P, the secret both sides prove to know, is.
type Kind byte

// The kinds of a handshake.
const (
	KindTicket Kind = 0 // P is a ticket's 16 bytes, the connection makes a device
	KindDevice Kind = 1 // P is the device's key K
)

// ID names a device, or a ticket by the SHA-256 of its bytes.
type ID [32]byte

// Nonce is the 32 random bytes each side adds to the transcript.
type Nonce [32]byte

// Hello is the extension's first message.
type Hello struct {
	Kind    Kind
	Lowest  uint16 // version
	Highest uint16 // version
	ID      ID
	Nonce   Nonce
}

// errLayout says that a handshake message has not the fixed layout.
var errLayout = errors.New("message has not the layout of the handshake")

// Encode gives the 70 bytes of h.
func (h Hello) Encode() []byte {
	out := make([]byte, 0, helloBytes)
	out = append(out, tagHello, byte(h.Kind))
	out = binary.BigEndian.AppendUint16(out, h.Lowest)
	out = binary.BigEndian.AppendUint16(out, h.Highest)
	out = append(out, h.ID[:]...)
	return append(out, h.Nonce[:]...)
}

// ParseHello reads a hello. The error is the same for every fault.
func ParseHello(message []byte) (Hello, error) {
	if len(message) != helloBytes || message[0] != tagHello || message[1] > byte(KindDevice) {
		return Hello{}, errLayout
	}
	h := Hello{
		Kind:    Kind(message[1]),
		Lowest:  binary.BigEndian.Uint16(message[2:]),
		Highest: binary.BigEndian.Uint16(message[4:]),
		ID:      ID(message[6:38]),
		Nonce:   Nonce(message[38:70]),
	}
	if h.Lowest == 0 || h.Lowest > h.Highest {
		return Hello{}, errLayout
	}
	return h, nil
}

// Challenge is the companion's answer to a hello, without its proof.
type Challenge struct {
	Version uint16
	Nonce   Nonce
}

// Head gives the first 35 bytes of the challenge, the part the transcript covers.
func (c Challenge) Head() []byte {
	out := make([]byte, 0, challengeBytes)
	out = append(out, tagChallenge)
	out = binary.BigEndian.AppendUint16(out, c.Version)
	return append(out, c.Nonce[:]...)
}

// ParseChallenge reads a challenge and the proof at its end.
func ParseChallenge(message []byte) (Challenge, []byte, error) {
	if len(message) != challengeBytes || message[0] != tagChallenge {
		return Challenge{}, nil, errLayout
	}
	c := Challenge{Version: binary.BigEndian.Uint16(message[1:]), Nonce: Nonce(message[3:challengeHead])}
	return c, message[challengeHead:], nil
}

// EncodeFinish gives the extension's last handshake message.
func EncodeFinish(mac []byte) []byte {
	return append([]byte{tagFinish}, mac...)
}

// parseFinish reads the extension's proof.
func parseFinish(message []byte) ([]byte, error) {
	if len(message) != finishBytes || message[0] != tagFinish {
		return nil, errLayout
	}
	return message[1:], nil
}

// Secrets are what both sides derive from P and the transcript T.
type Secrets struct {
	auth       []byte
	transcript [32]byte
	p          []byte
}

// Derive computes the transcript and the key of the proofs. The port is the
// one the listener is bound to (for a client: the one it dialled), never a
// header; the origin is the bytes of the Origin header.
func Derive(p []byte, origin string, port uint16, hello Hello, challenge Challenge) (Secrets, error) {
	hash := sha256.New()
	part := func(b []byte) {
		hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
		hash.Write(b)
	}
	part([]byte("flattr/1"))
	part([]byte(wire.Subprotocol))
	part([]byte(origin))
	part(binary.BigEndian.AppendUint16(nil, port))
	part(hello.Encode())
	part(challenge.Head())
	auth, err := hkdf.Key(sha256.New, p, nil, "auth", keyBytes)
	if err != nil {
		return Secrets{}, fmt.Errorf("derive the key of the proofs: %w", err)
	}
	return Secrets{auth: auth, transcript: [32]byte(hash.Sum(nil)), p: p}, nil
}

// Side is one of the two that prove.
type Side string

// The sides, as they stand in the proofs.
const (
	Daemon    Side = "daemon"
	Extension Side = "extension"
)

// Proof is the side's proof that it knows P.
func (s Secrets) Proof(side Side) []byte {
	mac := hmac.New(sha256.New, s.auth)
	mac.Write([]byte(side))
	mac.Write(s.transcript[:])
	return mac.Sum(nil)
}

// Proves tells whether mac is the side's proof, in constant time.
func (s Secrets) Proves(side Side, mac []byte) bool {
	return hmac.Equal(mac, s.Proof(side))
}

// Direction says which way a frame goes.
type Direction string

// The directions, as they stand in the keys' derivation.
const (
	ToDaemon    Direction = "e2d"
	ToExtension Direction = "d2e"
)

// Box seals or opens the frames of one direction. It is not safe for
// concurrent use: its owner gives the frames their order.
type Box struct {
	aead    cipher.AEAD
	aad     []byte
	counter uint64
}

// Box makes the box of one direction, with its counter at 0.
func (s Secrets) Box(direction Direction) (*Box, error) {
	key, err := hkdf.Key(sha256.New, s.p, s.transcript[:], string(direction), keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", direction, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher of %s: %w", direction, err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make the box of %s: %w", direction, err)
	}
	return &Box{aead: aead, aad: append([]byte(direction), s.transcript[:]...)}, nil
}

// nonce is 32 zero bits and the frame's number; each number is used once.
func (b *Box) nonce() []byte {
	nonce := binary.BigEndian.AppendUint64(make([]byte, 4, 12), b.counter)
	b.counter++
	return nonce
}

// Seal gives the next frame.
func (b *Box) Seal(plaintext []byte) []byte {
	return b.aead.Seal(make([]byte, 0, len(plaintext)+tagBytes), b.nonce(), plaintext, b.aad)
}

// Open reads the next frame. It fails for a frame that was changed, left out,
// sent twice or sent out of order; the connection must end then.
func (b *Box) Open(frame []byte) ([]byte, error) {
	plaintext, err := b.aead.Open(nil, b.nonce(), frame, b.aad)
	if err != nil {
		return nil, errors.New("frame did not open")
	}
	return plaintext, nil
}
