// Queries as old pages wrote them, and as lenient parsers read them: nothing in them is an error.

/** A query is read up to here; addresses that browsers keep are shorter. */
const MAX_QUERY_CHARS = 65_536;

/** Pieces of a query that are read; a button has a dozen. */
const MAX_PIECES = 200;

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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
  const blanks = text.replaceAll("+", " ");
  if (!blanks.includes("%")) return blanks;
  try {
    return decodeURIComponent(blanks);
  } catch {
    return blanks.replaceAll(/(?:%[0-9a-f]{2})+/gi, decodeRun);
  }
}

function decodeRun(run: string): string {
  const bytes = Uint8Array.from(run.match(/[0-9a-f]{2}/gi) ?? [], (digits) => Number.parseInt(digits, 16));
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOf(bytes[at] ?? 0);
    const character = length === 0 ? undefined : characterOf(bytes.subarray(at, at + length));
    text += character ?? run.slice(3 * at, 3 * at + 3);
    at += character === undefined ? 1 : encoder.encode(character).length;
  }
  return text;
}

// How many bytes a character has that begins with this one; 0: none does.
function lengthOf(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function characterOf(bytes: Uint8Array): string | undefined {
  try {
    const text = strict.decode(bytes);
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}
