// Links to flattr.com and to the reader's ledger, read by the grammar of their paths.
import { parseAddress } from "../address";
import { isLinkHost } from "./hosts";
import { cleanText, makePointer, type Pointer, readFields, readWebURL } from "./pointer";

const THING = /^\/thing\/(\d{1,19})(?:\/[^/]*)?\/?$/;
const SHORT = /^\/t\/(\d{1,19})\/?$/;
const SUBMIT = /^\/submit\/auto\/?$/;

/** pointerOfLink reads the address of a link; undefined when it points to no thing. */
export function pointerOfLink(
  href: string | null,
  base: string,
  ledgerHost: string | undefined,
): Pointer | undefined {
  if (href === null) return undefined;
  const url = parseAddress(href, base);
  if (url === undefined || !isLinkHost(url, ledgerHost)) return undefined;
  const thing = THING.exec(url.pathname)?.[1];
  if (thing !== undefined) return makePointer("link-thing", { thingID: thing });
  const short = SHORT.exec(url.pathname)?.[1];
  if (short !== undefined) return makePointer("link-t", { thingID: short });
  return SUBMIT.test(url.pathname) ? pointerOfSubmit(url.search, base) : undefined;
}

/** readQuery splits a query as old parsers did: at `&`, first `=`; later keys win; empty values are absent. */
export function readQuery(search: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const piece of search.replace(/^\?/, "").split("&")) {
    const equals = piece.indexOf("=");
    if (equals < 0) continue;
    const key = decode(piece.slice(0, equals)).trim();
    const value = decode(piece.slice(equals + 1)).trim();
    if (value !== "") query.set(key, value);
  }
  return query;
}

function decode(text: string): string {
  const blanks = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(blanks);
  } catch {
    return blanks;
  }
}

function pointerOfSubmit(search: string, base: string): Pointer | undefined {
  const query = readQuery(search);
  const url = readWebURL(query.get("url"), base);
  if (url === undefined) return undefined;
  return makePointer("link-submit-auto", {
    url,
    owner: cleanText(query.get("owner") ?? query.get("user_id")),
    fid: cleanText(query.get("fid")),
    ...readFields(query),
  });
}
