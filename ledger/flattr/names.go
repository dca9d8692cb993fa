package flattr

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxNameRunes bounds a member's name: it must fit beside a click on a page.
const MaxNameRunes = 40

// DeletedPrefix begins the names of deleted members; nobody else may have one.
const DeletedPrefix = "deleted-"

// CheckName refuses a name that cannot be a member's: 1 to 40 letters, digits
// and . _ - between them. Money is given by name: so it also refuses what looks like
// another name.
func CheckName(name string) error {
	n := utf8.RuneCountInString(name)
	ok := utf8.ValidString(name) && n >= 1 && n <= MaxNameRunes && !disguised(name) &&
		!strings.HasPrefix(NameKey(name), DeletedPrefix) && NameKey(name) != UnclaimedName
	for i, r := range name {
		inside := i > 0 && i < len(name)-1
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && (!inside || !strings.ContainsRune("._-", r)) {
			ok = false
		}
	}
	if !ok {
		return Refuse(NameInvalid, fmt.Sprintf(
			"A name has 1 to %d letters and digits, with . _ or - only between them.", MaxNameRunes))
	}
	return nil
}

// alike are scripts whose letters look like each other's: a name has one of them.
var alike = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee, unicode.Lisu}

// disguised tells a name that can be taken for another one: written in another form
// of the same letters, with letters that are not seen, or with those of two scripts.
func disguised(name string) bool {
	if !norm.NFKC.IsNormalString(name) {
		return true
	}
	scripts := 0
	for _, script := range alike {
		if strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(script, r) }) {
			scripts++
		}
	}
	return scripts > 1 || strings.ContainsFunc(name, func(r rune) bool {
		return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

// NewDeletedName is a new name for a member who is deleted.
func NewDeletedName() string {
	var b [deletedBytes]byte
	rand.Read(b[:]) // never fails
	return DeletedPrefix + codeText.EncodeToString(b[:])
}

// deletedBytes make 8 letters.
const deletedBytes = 5

// NameKey is the form by which names are compared: without case.
func NameKey(name string) string { return strings.ToLower(name) }

// codeLetters has no letters that are mistaken for each other (Crockford).
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var codeText = base32.NewEncoding(codeLetters).WithPadding(base32.NoPadding)

// Invite codes have 80 random bits, which nobody guesses, in 16 letters.
const (
	codeBytes = 10
	codeRunes = 16
	codeGroup = 4
)

// NewCode is a new invite code, without groups.
func NewCode() string {
	var b [codeBytes]byte
	rand.Read(b[:]) // never fails
	return codeText.EncodeToString(b[:])
}

// ParseCode reads a code as a person types it: groups, spaces and case do not
// matter, O is read as 0, I and L as 1. It answers "" for what is no code.
func ParseCode(s string) string {
	if len(s) > 4*codeRunes {
		return ""
	}
	code := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	if len(code) != codeRunes || strings.Trim(code, codeLetters) != "" {
		return ""
	}
	return code
}

// ShowCode writes a code in groups of four.
func ShowCode(code string) string {
	var groups []string
	for ; len(code) > codeGroup; code = code[codeGroup:] {
		groups = append(groups, code[:codeGroup])
	}
	return strings.Join(append(groups, code), "-")
}
