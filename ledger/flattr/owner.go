package flattr

import "strings"

// ownerKeys are the keys by which the address of a button or of /submit/auto names
// the owner of a thing, and the order in which they hold: a member's name goes
// before what a partner calls them.
var ownerKeys = []string{"user_id", "uid", "owner"}

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
