// Links to flattr.com and to the reader's ledger, read by the grammar of their paths.
import { parseAddress } from "../address";
import { isLinkHost } from "./hosts";
import { makePointer, type Pointer, readAddress, readFields, readOwner, readWebURL } from "./pointer";
import { decode, readQuery } from "./query";

const THING = /^\/thing\/(\d{1,19})(?:\/[^/]*)?\/?$/;
const SHORT = /^\/t\/(\d{1,19})\/?$/;
const SUBMIT = /^\/submit\/auto\/?$/;
const PROFILE = /^\/(?:profile|user)\/([\w.-]{1,100})\/?$/;
const AT = /^\/(?:@|%40)([\w.-]{1,100})\/?$/;
const DONATION = /^\/donation\/give\/to\/([\w.-]{1,100})\/?$/;
const DOMAIN = /^\/domain\/([^/]{1,300})\/?$/;

/** pointerOfLink reads the address of a link; undefined when it points to nothing that can be flattred. */
export function pointerOfLink(
  href: string | null,
  base: string,
  ledgerHost: string | undefined,
): Pointer | undefined {
  const url = readAddress(href, base);
  return url === undefined ? undefined : pointerOfAddress(url, base, ledgerHost);
}

/** pointerOfAddress reads an address that is resolved already, as that of a page of ours. */
export function pointerOfAddress(
  url: URL,
  base: string,
  ledgerHost: string | undefined,
): Pointer | undefined {
  if (!isLinkHost(url, ledgerHost)) return undefined;
  const path = url.pathname;
  const thingID = THING.exec(path)?.[1];
  if (thingID !== undefined) return makePointer("link-thing", { thingID });
  const short = SHORT.exec(path)?.[1];
  if (short !== undefined) return makePointer("link-t", { thingID: short });
  if (SUBMIT.test(path)) return pointerOfSubmit(url.search, base);
  return pointerOfName(url, ledgerHost) ?? pointerOfDomain(path);
}

// Names on the ledger are not those of flattr.com, where somebody else may have had the same.
function pointerOfName(url: URL, ledgerHost: string | undefined): Pointer | undefined {
  const site = url.host === ledgerHost ? url.origin : undefined;
  const profile = PROFILE.exec(url.pathname)?.[1];
  if (profile !== undefined) return makePointer("link-profile", { owner: profile, site });
  const at = AT.exec(url.pathname)?.[1];
  if (at !== undefined) return makePointer("link-at", { owner: at, site });
  const receiver = DONATION.exec(url.pathname)?.[1];
  return receiver === undefined ? undefined : makePointer("link-donation", { owner: receiver, site });
}

function pointerOfDomain(path: string): Pointer | undefined {
  const domain = DOMAIN.exec(path)?.[1];
  if (domain === undefined) return undefined;
  const host = decode(domain);
  return isDomain(host) ? makePointer("link-domain", { domain: host }) : undefined;
}

// A domain has a dot, and nothing of an address besides its host.
function isDomain(host: string): boolean {
  if (!/^[^\s/?#@:\\[\]]+\.[^\s/?#@:\\[\]]+$/.test(host)) return false;
  return parseAddress(`https://${host}/`) !== undefined;
}

function pointerOfSubmit(search: string, base: string): Pointer | undefined {
  const query = readQuery(search);
  const url = readWebURL(query.get("url"), base);
  if (url === undefined) return undefined;
  return makePointer("link-submit-auto", {
    url,
    owner: readOwner(query.get("owner")) ?? readOwner(query.get("user_id")),
    fid: query.get("fid"),
    ...readFields(query),
  });
}
