// Queries as old pages wrote them, and as lenient parsers read them: nothing in them is an error.

/** A query is read up to here; addresses that browsers keep are shorter. */
const MAX_QUERY_CHARS = 65_536;

/** Pieces of a query that are read; a button has a dozen. */
const MAX_PIECES = 200;

/** The escapes of one character in UTF-8, if its bytes are right in detail. */
const CHARACTER =
  /%[0-7][\da-f]|%[cd][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[0-4](?:%[89ab][\da-f]){3}/gi;

/** readQuery splits a query at `&` and at the first `=`; later keys win, and empty values are absent. */
export function readQuery(search: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  const pieces = search.slice(0, MAX_QUERY_CHARS).replace(/^\?/, "").split("&", MAX_PIECES);
  for (const piece of pieces) {
    const equals = piece.indexOf("=");
    if (equals < 0) continue;
    // An ampersand that was escaped twice leaves its name at the front of the next key.
    const key = decode(piece.slice(0, equals))
      .trim()
      .replace(/^(?:amp;)+/, "");
    const value = decode(piece.slice(equals + 1)).trim();
    if (value !== "") query.set(key, value);
  }
  return query;
}

/** decode reads percent escapes and plus signs. Bytes that are no UTF-8 stay escaped: in an address they are its own. */
export function decode(text: string): string {
  return text.replaceAll("+", " ").replaceAll(CHARACTER, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}
