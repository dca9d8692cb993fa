// From what a page says to what is sent: a thing within the bounds of the protocol, and the names it answers to.
import { parseAddress } from "../address";
import type { Pointer } from "../detect/pointer";
import { LIMITS, type Thing } from "../wire.gen";
import { keyIfAny } from "./key";

const CATEGORIES: readonly string[] = ["text", "images", "video", "audio", "software", "people", "rest"];
const LANGUAGE = /^[a-z]{2,3}(?:_[A-Z]{2})?$/;
const FID = /^[0-9A-Za-z]{6}$/;
const THING_ID = /^\d{1,19}$/;

/** Bounds of what one click may carry, so that it always fits a frame. */
const MAX_OWNER_CHARS = 200;
const MAX_DESCRIPTION_CHARS = 1000;
const MAX_TAGS = 30;
const MAX_TAG_CHARS = 60;

/** The site on which names without another site are accounts. */
const FLATTR = "https://flattr.com";

/**
 * thingOf makes a thing of a pointer; undefined when nothing in it names one. Fields out of range are dropped.
 * An author is the thing at their profile's address, a site the one at its front page. A donation is no click, and the
 * account of a page is no thing by itself.
 */
export function thingOf(pointer: Pointer): Thing | undefined {
  const thing: Thing = {};
  const url = addressOf(pointer);
  if (url !== undefined && keyIfAny(url) !== undefined) thing.url = url;
  if (pointer.thingID !== undefined && THING_ID.test(pointer.thingID)) thing.id = pointer.thingID;
  if (pointer.fid !== undefined && FID.test(pointer.fid)) thing.fid = pointer.fid;
  if (thing.url === undefined && thing.id === undefined) return undefined;
  if (pointer.owner !== undefined) thing.owner = cut(pointer.owner, MAX_OWNER_CHARS);
  const title = pointer.title ?? (url === pointer.url ? undefined : (pointer.domain ?? pointer.owner));
  if (title !== undefined) thing.title = cut(title, LIMITS.maxTitleRunes);
  if (pointer.description !== undefined) thing.description = cut(pointer.description, MAX_DESCRIPTION_CHARS);
  if (pointer.category !== undefined && CATEGORIES.includes(pointer.category))
    thing.category = pointer.category;
  if (pointer.language !== undefined && LANGUAGE.test(pointer.language)) thing.language = pointer.language;
  if (pointer.tags !== undefined)
    thing.tags = pointer.tags.slice(0, MAX_TAGS).map((tag) => cut(tag, MAX_TAG_CHARS));
  if (pointer.hidden !== undefined) thing.hidden = pointer.hidden;
  return thing;
}

// Names are compared without case, so an author's address is written in lower case; the name keeps its own.
function addressOf({ form, url, owner, domain, site }: Pointer): string | undefined {
  switch (form) {
    case "link-profile":
    case "link-at":
      return owner === undefined ? undefined : `${site ?? FLATTR}/profile/${owner.toLowerCase()}`;
    case "link-domain":
      return domain === undefined ? undefined : parseAddress(`https://${domain}/`)?.href;
    case "link-donation":
    case "meta-flattr-id":
      return undefined;
    default:
      return url;
  }
}

/** pageThing is the page itself as a thing, without the fragment; undefined where it is no web page. */
export function pageThing(address: string, title: string | undefined): Thing | undefined {
  const url = address.replace(/#.*$/s, "");
  if (keyIfAny(url) === undefined) return undefined;
  const clean = title?.replaceAll(/\s+/g, " ").trim();
  return clean === undefined || clean === "" ? { url } : { url, title: cut(clean, LIMITS.maxTitleRunes) };
}

/** namesOf lists what a thing answers to: its URL's key and its number. Two things that share a name are one. */
export function namesOf(thing: Pick<Thing, "url" | "id">): readonly string[] {
  const names: string[] = [];
  const key = thing.url === undefined ? undefined : keyIfAny(thing.url);
  if (key !== undefined) names.push(`url ${key}`);
  if (thing.id !== undefined) names.push(`id ${thing.id.replace(/^0+(?=\d)/, "")}`);
  return names;
}

/** sameThing tells whether two lists of names share one. */
export function sameThing(some: readonly string[], others: readonly string[]): boolean {
  return some.some((name) => others.includes(name));
}

// Cut between characters, never inside one.
function cut(text: string, chars: number): string {
  return text.length <= chars ? text : [...text].slice(0, chars).join("");
}
