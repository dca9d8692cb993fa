package rest

import (
	"mime"
	"slices"
	"strconv"
	"strings"
)

// The formats, by their suffix.
const (
	formatJSON = "json"
	formatXML  = "xml"
	formatYAML = "yaml"
	formatText = "txt"
	formatAS   = "as"
	formatAtom = "atom"
)

// formats are all formats: whether a suffix names them, and their media types,
// the first of which is answered. Streams are JSON: clients ask for one as the
// other, and for the next answer with the Accept of the last.
var formats = map[string]struct {
	named bool
	media []string
}{
	formatJSON: {true, []string{"application/json", "text/json", "application/javascript", "text/javascript", "application/x-javascript", "application/stream+json"}},
	formatXML:  {true, []string{"application/xml", "text/xml"}},
	formatYAML: {true, []string{"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml"}},
	formatText: {true, []string{"text/plain"}},
	formatAS:   {true, []string{"application/stream+json", "application/activity+json", "application/json"}},
	formatAtom: {true, []string{"application/atom+xml"}},
}

// usualFormats are what routes answer that do not say otherwise; the first is
// for whoever does not mind.
var usualFormats = []string{formatJSON, formatXML, formatYAML, formatText}

// formatOf is the format of an answer: that of the suffix, else the one of those
// in Accept that is liked best. It refuses with not_acceptable.
func formatOf(suffix string, accept []string, own []string) (string, error) {
	offered := own
	if offered == nil {
		offered = usualFormats
	}
	refused := refuse(codeFormat, "This can be answered as "+strings.Join(offered, ", ")+".")
	if suffix != "" {
		if !slices.Contains(offered, suffix) {
			return "", refused
		}
		return suffix, nil
	}
	wanted := strings.Join(accept, ",")
	if strings.TrimSpace(wanted) == "" {
		return offered[0], nil
	}
	best, liking := "", 0.0
	for part := range strings.SplitSeq(wanted, ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		quality := 1.0
		if q, given := parameters["q"]; given {
			if quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if format := formatFor(media, offered); format != "" && quality > liking {
			best, liking = format, quality
		}
	}
	if best == "" {
		return "", refused
	}
	return best, nil
}

// formatFor is the first of the formats that are offered which a media range
// covers.
func formatFor(media string, offered []string) string {
	if media == "*/*" || media == "application/*" {
		return offered[0]
	}
	for _, format := range offered {
		if slices.Contains(formats[format].media, media) {
			return format
		}
		if media == "text/*" && format == formatText {
			return format
		}
	}
	return ""
}
