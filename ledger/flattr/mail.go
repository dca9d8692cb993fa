package flattr

import (
	"net/mail"
	"strings"
)

// maxMailAddress is what SMTP can carry, in bytes (RFC 5321, section 4.5.3.1.3).
const maxMailAddress = 254

// CheckMailAddress refuses with invalid_request what is no mail address that
// letters can go to: name@host in ASCII, without quotes, comments or a name.
func CheckMailAddress(address string) error {
	parsed, err := mail.ParseAddress(address)
	plain := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"()<>[]\,;:`, r) }
	if err != nil || len(address) > maxMailAddress || parsed.Address != address || parsed.Name != "" || strings.ContainsFunc(address, plain) {
		return Refuse(Invalid, "This is no mail address. Write it like ann@example.org.")
	}
	return nil
}
