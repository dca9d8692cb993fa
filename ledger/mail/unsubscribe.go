package mail

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Sizes of what ends the summaries, in bytes.
const (
	keyBytes    = 32
	memberBytes = 8
	proofBytes  = 16
)

// UnsubscribeKey is the key that signs links by which summaries are ended, made
// the first time it is asked for.
func UnsubscribeKey(ctx context.Context, st *store.Store) ([]byte, error) {
	return st.Secret(ctx, "unsubscribe", keyBytes)
}

// unsubscribeToken is what a link has that ends the summaries of a member. It
// works for ever, as old letters are found again, and can do nothing else.
func unsubscribeToken(key []byte, member flattr.MemberID) string {
	id := binary.BigEndian.AppendUint64(nil, uint64(member))
	return base64.RawURLEncoding.EncodeToString(append(id, prove(key, id)...))
}

func prove(key, id []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(id) // never fails
	return mac.Sum(nil)[:proofBytes]
}

// Unsubscribes says whose summaries a token ends, and whether it is one.
func Unsubscribes(key []byte, token string) (flattr.MemberID, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != memberBytes+proofBytes || !hmac.Equal(raw[memberBytes:], prove(key, raw[:memberBytes])) {
		return 0, false
	}
	return flattr.MemberID(binary.BigEndian.Uint64(raw)), true
}
