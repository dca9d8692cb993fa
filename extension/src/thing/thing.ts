// From what a page says to what is sent: a thing within the bounds of the protocol, and the names it answers to.
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

/** thingOf makes a thing of a pointer; undefined when nothing in it names one. Fields out of range are dropped. */
export function thingOf(pointer: Pointer): Thing | undefined {
  const thing: Thing = {};
  if (pointer.url !== undefined && keyIfAny(pointer.url) !== undefined) thing.url = pointer.url;
  if (pointer.thingID !== undefined && THING_ID.test(pointer.thingID)) thing.id = pointer.thingID;
  if (pointer.fid !== undefined && FID.test(pointer.fid)) thing.fid = pointer.fid;
  if (thing.url === undefined && thing.id === undefined) return undefined;
  if (pointer.owner !== undefined) thing.owner = cut(pointer.owner, MAX_OWNER_CHARS);
  if (pointer.title !== undefined) thing.title = cut(pointer.title, LIMITS.maxTitleRunes);
  if (pointer.description !== undefined) thing.description = cut(pointer.description, MAX_DESCRIPTION_CHARS);
  if (pointer.category !== undefined && CATEGORIES.includes(pointer.category))
    thing.category = pointer.category;
  if (pointer.language !== undefined && LANGUAGE.test(pointer.language)) thing.language = pointer.language;
  if (pointer.tags !== undefined)
    thing.tags = pointer.tags.slice(0, MAX_TAGS).map((tag) => cut(tag, MAX_TAG_CHARS));
  if (pointer.hidden !== undefined) thing.hidden = pointer.hidden;
  return thing;
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
  if (thing.id !== undefined) names.push(`id ${thing.id}`);
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
