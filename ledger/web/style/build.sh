#!/bin/sh
# Writes ../static/style.css: Pico (from npm, see extension/package.json) and our
# tokens and rules over it, as the one style sheet of the ledger's pages. The
# result is committed, so that `go build` needs no npm; TestStyleIsCurrent holds
# it to its sources.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pico=$here/../../../extension/node_modules/@picocss/pico/css/pico.min.css
if [ ! -f "$pico" ]; then
	echo "style/build.sh: $pico is missing: run npm ci in extension/ first" >&2
	exit 1
fi
cat "$pico" "$here/flattr.css" > "$here/../static/style.css"
