package flattr

import (
	"strings"
	"unicode/utf8"
)

// ibanLengths are how many characters an IBAN has by country, from the registry
// that SWIFT keeps for ISO 13616.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
	"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
	"FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
	"IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
	"NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
	"SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
	"UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// MaxHolder bounds the name of an account's holder, in characters, as SEPA does.
const MaxHolder = 70

// maxTypedIBAN bounds what is read as an IBAN: 34 characters, with blanks between
// any two.
const maxTypedIBAN = 70

// ReadIBAN is an IBAN as it is stored: without blanks, in capitals. It refuses with
// invalid_request what has not the length of its country, or whose check digits
// are wrong (ISO 13616, ISO 7064 mod 97-10).
func ReadIBAN(typed string) (string, error) {
	wrong := func(sentence string) (string, error) { return "", Refuse(Invalid, sentence) }
	if len(typed) > maxTypedIBAN {
		return wrong("This is longer than an IBAN is. Copy it from a statement of your bank.")
	}
	iban := strings.ToUpper(strings.Join(strings.Fields(strings.ReplaceAll(typed, "\u00a0", " ")), ""))
	if len(iban) < 4 || !ibanText(iban) || iban[2] > '9' || iban[3] > '9' {
		return wrong("An IBAN begins with two letters and two digits, and has letters and digits only.")
	}
	switch want, known := ibanLengths[iban[:2]]; {
	case !known:
		return wrong("No country has IBANs that begin with these two letters.")
	case len(iban) != want:
		return wrong("An IBAN of this country has another length. Look for a missing or double character.")
	}
	rest := 0
	for _, c := range iban[4:] + iban[:4] {
		if c <= '9' {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	if check := iban[2:4]; rest != 1 || check < "02" || check > "98" {
		return wrong("The check digits do not fit. Look for two characters that were swapped, or a wrong one.")
	}
	return iban, nil
}

// ibanText reports whether text has capitals and digits only, and begins with two
// capitals.
func ibanText(text string) bool {
	for i, c := range text {
		if (c < '0' || c > '9' || i < 2) && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// ReadHolder is the name of an account's holder without blanks around it. It
// refuses with invalid_request none, a long one, and what is no text.
func ReadHolder(typed string) (string, error) {
	holder := strings.TrimSpace(typed)
	if n := utf8.RuneCountInString(holder); n == 0 || n > MaxHolder || !utf8.ValidString(holder) ||
		strings.ContainsFunc(holder, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
		return "", Refuse(Invalid, "Name the holder of the account as the bank does, in at most 70 characters.")
	}
	return holder, nil
}

// MaskIBAN is an IBAN of which only the last four characters can be read.
func MaskIBAN(iban string) string {
	if len(iban) <= 4 {
		return ""
	}
	return "•••• " + iban[len(iban)-4:]
}
