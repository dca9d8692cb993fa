package flattr

import "strings"

// ownerKeys are the keys by which the address of a button or of /submit/auto names
// the owner of a thing, and the order in which they hold: an author whom a partner
// names goes before the partner's own account, which stands beside them on old pages.
var ownerKeys = []string{"owner", "user_id", "uid"}

// NamedOwner is the owner whom a query names, "" where it names nobody. Whoever
// reads such an address reads it so.
func NamedOwner(value func(key string) string) string {
	for _, key := range ownerKeys {
		if name := strings.TrimSpace(value(key)); name != "" {
			return name
		}
	}
	return ""
}
