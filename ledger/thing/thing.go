// Package thing says by which key two URLs are one thing.
//
// The key (product rule 10) is the URL without its scheme: host in lower-case
// ASCII without a leading "www.", the port where it is not the default of the
// scheme it came with, path without dot segments, query and fragment. Percent
// escapes are normalised as RFC 3986, section 6.2.2 says. The vectors in
// testdata/keys.json are shared with the extension.
package thing

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Key names a thing: "bob.example/articles/1".
type Key string

// MaxURLBytes bounds a URL: what browsers and servers commonly agree on.
const MaxURLBytes = 2048

// MaxHostBytes bounds a host name in ASCII, as the domain name system does.
const MaxHostBytes = 253

// The reasons why a URL names no thing. The sentences are for the person.
var (
	ErrLong      = fmt.Errorf("the URL is longer than %d bytes", MaxURLBytes)
	ErrScheme    = errors.New("the URL does not begin with http:// or https://")
	ErrCharacter = errors.New("the URL has a space, a control character, a backslash or broken UTF-8 in it")
	ErrUser      = errors.New("the URL has a user name or password in it")
	ErrHost      = errors.New("the URL's host is not valid")
	ErrPort      = errors.New("the URL's port is not valid")
)

// KeyOf is the key of a URL, or one of the errors above.
func KeyOf(rawURL string) (Key, error) {
	if len(rawURL) > MaxURLBytes {
		return "", ErrLong
	}
	if !utf8.ValidString(rawURL) {
		return "", ErrCharacter
	}
	for i := range len(rawURL) {
		if c := rawURL[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return "", ErrCharacter
		}
	}
	rest, defaultPort := "", ""
	switch {
	case len(rawURL) >= 7 && strings.EqualFold(rawURL[:7], "http://"):
		rest, defaultPort = rawURL[7:], "80"
	case len(rawURL) >= 8 && strings.EqualFold(rawURL[:8], "https://"):
		rest, defaultPort = rawURL[8:], "443"
	default:
		return "", ErrScheme
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, err := hostPort(rest[:end], defaultPort)
	if err != nil {
		return "", err
	}
	return Key(host + normalTail(rest[end:])), nil
}

// normalTail normalises path, query and fragment.
func normalTail(tail string) string {
	beforeFragment, fragment, hasFragment := strings.Cut(tail, "#")
	path, query, hasQuery := strings.Cut(beforeFragment, "?")
	out := removeDots(escapes(path))
	if hasQuery {
		out += "?" + escapes(query)
	}
	if hasFragment {
		out += "#" + escapes(fragment)
	}
	return out
}

// hostPort normalises what stands between "//" and the path.
func hostPort(authority, defaultPort string) (string, error) {
	if strings.Contains(authority, "@") {
		return "", ErrUser
	}
	host, port := authority, ""
	// A colon inside the brackets of an IPv6 address separates no port.
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		host, port = authority[:i], authority[i+1:]
	}
	port, err := normalPort(port, defaultPort)
	if err != nil {
		return "", err
	}
	if host, err = normalHost(host); err != nil {
		return "", err
	}
	return host + port, nil
}

// normalPort is ":port", or nothing for the default.
func normalPort(port, defaultPort string) (string, error) {
	if port == "" {
		return "", nil
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return "", ErrPort
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", ErrPort
	}
	if port = strconv.FormatUint(n, 10); port == defaultPort {
		return "", nil
	}
	return ":" + port, nil
}

// names maps host names as browsers do (UTS 46, not transitional).
var names = idna.New(
	idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false),
	idna.CheckHyphens(false), idna.CheckJoiners(true), idna.BidiRule(),
)

// normalHost is the host in lower-case ASCII without a leading "www.".
func normalHost(host string) (string, error) {
	if strings.HasPrefix(host, "[") {
		return normalIPv6(host)
	}
	host, ok := unescapeHost(host)
	if !ok {
		return "", ErrHost
	}
	host, err := names.ToASCII(host)
	if err != nil || host == "" || len(host) > MaxHostBytes {
		return "", ErrHost
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if !isLabel(label) {
			return "", ErrHost
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' && isNumber(last) {
		// Browsers read 127.1 and 0x7f.1 as addresses; here only the plain form is one.
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is4() {
			return "", ErrHost
		}
		return host, nil
	}
	if short, found := strings.CutPrefix(host, "www."); found && short != "" {
		host = short
	}
	return host, nil
}

// unescapeHost decodes the percent escapes of a host.
func unescapeHost(host string) (string, bool) {
	if !strings.Contains(host, "%") {
		return host, true
	}
	var b strings.Builder
	for i := 0; i < len(host); i++ {
		if host[i] != '%' {
			b.WriteByte(host[i])
			continue
		}
		c, ok := unhex(host[i:])
		if !ok {
			return "", false
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), utf8.ValidString(b.String())
}

// isLabel reports whether s can stand between two dots of a host name.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isNumber reports whether browsers would read the label as a number.
func isNumber(s string) bool {
	if rest, hex := strings.CutPrefix(s, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(s, "0123456789") == ""
}

// normalIPv6 writes an address in brackets in the one way browsers do.
func normalIPv6(host string) (string, error) {
	inner, closed := strings.CutSuffix(host[1:], "]")
	addr, err := netip.ParseAddr(inner)
	if !closed || err != nil || !addr.Is6() || addr.Zone() != "" {
		return "", ErrHost
	}
	if addr.Is4In6() {
		b := addr.As16()
		return fmt.Sprintf("[::ffff:%x:%x]", int(b[12])<<8|int(b[13]), int(b[14])<<8|int(b[15])), nil
	}
	return "[" + addr.String() + "]", nil
}

const upperHex = "0123456789ABCDEF"

// escapes normalises percent escapes: upper case, unreserved characters plain,
// everything that RFC 3986 does not let stand by itself escaped. A % that
// begins no escape becomes %25.
func escapes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			decoded, ok := unhex(s[i:])
			if !ok {
				b.WriteString("%25")
				continue
			}
			i += 2
			if unreserved(decoded) {
				b.WriteByte(decoded)
			} else {
				writeEscape(&b, decoded)
			}
			continue
		}
		if unreserved(c) || strings.IndexByte(":/?#[]@!$&'()*+,;=", c) >= 0 {
			b.WriteByte(c)
		} else {
			writeEscape(&b, c)
		}
	}
	return b.String()
}

func writeEscape(b *strings.Builder, c byte) {
	b.WriteByte('%')
	b.WriteByte(upperHex[c>>4])
	b.WriteByte(upperHex[c&15])
}

// unhex decodes the escape at the beginning of s.
func unhex(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil && s[1] != '+' && s[1] != '-'
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// removeDots takes "." and ".." segments out of an absolute path (RFC 3986,
// section 5.2.4). The empty path becomes "/".
func removeDots(path string) string {
	if path == "" {
		return "/"
	}
	segments := strings.Split(path[1:], "/")
	out := make([]string, 0, len(segments))
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".", "..":
			if segment == ".." && len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, segment)
		}
	}
	return "/" + strings.Join(out, "/")
}
