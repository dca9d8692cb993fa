package claim

import (
	"bufio"
	"bytes"
	"strings"

	"flattr/ledger/flattr"
)

// none is what a site says that wants no money.
const none = "none"

// maxWords bounds what is read of a file or of a name's records.
const maxWords = 1000

// word is what a site says of one of its paths: who is thanked for it.
type word struct {
	id   string // a flattr:id, partner:NAMESPACE:ID, or none
	path string // holds for it, and for what is below where it ends in `/`
}

// isID reports whether s is a flattr:id: six of 0 to 9 and a to z.
func isID(s string) bool {
	if len(s) != 6 {
		return false
	}
	for i := range len(s) {
		if !('0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'z') {
			return false
		}
	}
	return true
}

// maxIdentity bounds what a partner calls an owner, as the store does.
const maxIdentity = 64

// isOwner reports whether s names an owner: by a flattr:id, or as a partner does.
func isOwner(s string) bool {
	return isID(s) || len(s) <= maxIdentity && strings.Count(s, ":") >= 2 && strings.HasPrefix(s, flattr.PartnerPrefix)
}

// parseWord reads `flattr: abc123 /path/`, or `flattr=abc123`; without a path the
// whole host is meant. What else stands in a file or a record is not for us.
func parseWord(line string) (word, bool) {
	const name = "flattr"
	line = strings.TrimSpace(line)
	if len(line) < len(name) || !strings.EqualFold(line[:len(name)], name) {
		return word{}, false
	}
	rest := strings.TrimLeft(line[len(name):], " \t")
	if rest == "" || rest[0] != ':' && rest[0] != '=' {
		return word{}, false
	}
	fields := strings.Fields(rest[1:])
	if len(fields) == 0 || len(fields) > 2 || fields[0] != none && !isOwner(fields[0]) {
		return word{}, false
	}
	w := word{id: fields[0], path: "/"}
	if len(fields) == 2 {
		w.path = fields[1]
	}
	if !strings.HasPrefix(w.path, "/") || strings.ContainsAny(w.path, "?#") {
		return word{}, false
	}
	return w, true
}

// parseFile reads a flattr.txt: one word a line, # begins a comment.
func parseFile(text []byte) (words []word) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile+1)
	for n := 0; lines.Scan() && n < maxWords; n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if w, ok := parseWord(strings.TrimPrefix(line, "\ufeff")); ok {
			words = append(words, w)
		}
	}
	return words
}

// parseRecords reads the TXT records of _flattr.HOST; they speak of whole hosts.
func parseRecords(records []string) (words []word) {
	for i, record := range records {
		if w, ok := parseWord(record); ok && i < maxWords && w.path == "/" {
			words = append(words, w)
		}
	}
	return words
}
