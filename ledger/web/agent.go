package web

import (
	"net/http"
	"strings"
)

// browsers and systems are words of a User-Agent and what they tell; the first
// that fits counts, since most say that they are others too.
var (
	browsers = [][2]string{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systems = [][2]string{
		{"Android", "Android"},
		{"iPhone", "iOS"},
		{"iPad", "iPadOS"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
		{"FreeBSD", "FreeBSD"},
	}
)

// agentOf guesses in words which browser asks, by what it says of itself:
// "Firefox, Linux". Of what it says nothing else is kept.
func agentOf(r *http.Request) string {
	says := r.UserAgent()
	var known []string
	for _, list := range [][][2]string{browsers, systems} {
		for _, pair := range list {
			if strings.Contains(says, pair[0]) {
				known = append(known, pair[1])
				break
			}
		}
	}
	return strings.Join(known, ", ")
}
