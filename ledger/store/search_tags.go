package store

import (
	"fmt"
	"slices"
	"strings"

	"flattr/ledger/flattr"
)

// parseTags reads the language of tags: `|` or, `&` and, which binds closer, and
// `!` not before a tag. A `!` between two tags takes away from all that stands
// around it: "game | games ! software" are the one or the other, but no software.
func parseTags(text string) (alternatives, error) {
	var any alternatives
	var never []string
	terms := 0
	for part := range strings.SplitSeq(text, "|") {
		var l literals
		for term := range strings.SplitSeq(part, "&") {
			term = strings.TrimSpace(term)
			tag, not := strings.CutPrefix(term, "!")
			if tag = strings.TrimSpace(tag); tag == "" || strings.HasPrefix(tag, "!") {
				return nil, flattr.Refuse(flattr.Invalid, "A tag is missing. Write tags like music|art&!politics.")
			}
			tag, away := takenAway(tag)
			never = append(never, away...)
			terms += len(away)
			if not {
				l.no = append(l.no, facet(facetTag, tag))
			} else {
				l.yes = append(l.yes, facet(facetTag, tag))
			}
			if terms++; terms > maxTerms {
				return nil, flattr.Refuse(flattr.Invalid, fmt.Sprintf("At most %d tags can be looked for at once.", maxTerms))
			}
		}
		any = append(any, l)
	}
	for i := range any {
		any[i].no = append(any[i].no, never...)
	}
	return any, nil
}

// takenAway parts a tag from those that stand behind a `!` after it. What ends
// with one, as a name may, is one tag.
func takenAway(text string) (tag string, away []string) {
	parts := strings.Split(text, "!")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if slices.Contains(parts, "") {
		return text, nil
	}
	for _, part := range parts[1:] {
		away = append(away, facet(facetTag, part))
	}
	return parts[0], away
}
