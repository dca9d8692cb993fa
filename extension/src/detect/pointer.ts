// A pointer is one place in a page that says "this can be flattred": a button, a link, a head element.
import { parseAddress } from "../address";

/** Form names how a page points to a thing. */
export type Form =
  | "js-a-rev"
  | "js-a-rel"
  | "js-a-data"
  | "js-a-bare"
  | "js-global"
  | "js-render"
  | "iframe-view"
  | "iframe-script"
  | "link-thing"
  | "link-t"
  | "link-submit-auto"
  | "link-profile"
  | "link-at"
  | "link-donation"
  | "link-domain"
  | "head-rel-payment"
  | "feed-rel-payment"
  | "meta-flattr-id"
  | "link-monetization";

/** Pointer holds what the page says, as it says it; absent fields were not said. */
export interface Pointer {
  readonly form: Form;
  readonly url?: string; // of the thing, absolute, http or https
  readonly thingID?: string; // decimal digits
  readonly fid?: string; // 6-character account id
  readonly owner?: string; // account name or partner identifier, asserted
  readonly site?: string; // origin of the ledger whose account that is; absent: flattr.com
  readonly domain?: string; // of a whole site
  readonly wallet?: string; // address of another way to pay, which is shown and never called
  readonly title?: string;
  readonly description?: string;
  readonly category?: string;
  readonly language?: string;
  readonly tags?: readonly string[];
  readonly hidden?: boolean;
  readonly button?: "compact" | "default";
  readonly popout?: boolean;
}

/** A description is cut at this many characters, as the old buttons did. */
const MAX_DESCRIPTION_CHARS = 1000;

/** A value is read up to here: what is shown or sent of it is far shorter, and cleaning has a cost. */
const MAX_VALUE_CHARS = 20_000;

/** Longer addresses are no pages that a click could name. */
const MAX_ADDRESS_CHARS = 65_536;

/** Tags that are read; a thing keeps fewer. */
const MAX_TAGS = 100;

/** Names that a page left for its author to fill in, and the one that the documentation's own sample carries. */
const SAMPLE_OWNER = /[[\]{}<>%\s]|^flattr$|^your[._-]?(?:user|flattr|own|id|name|account)/i;

/** Addresses that a page left for its author to fill in. */
const SAMPLE_URL =
  /^(?:\[[^\]/]*\]|\{\{?[^}/]*\}?\}|<[^/]*>|%[A-Za-z_]+%|(?:https?:\/\/)?\[(?!.*:)[^\]]*\].*|https?:\/\/wp\.local\/?)$/;

/** cleanText trims and folds runs of blanks and tabs; a single line break stays. Empty text is absent. */
export function cleanText(text: string | null | undefined): string | undefined {
  const clean = text
    ?.slice(0, MAX_VALUE_CHARS)
    .replaceAll(/\s{2,}|\t/g, " ")
    .trim();
  return clean === "" ? undefined : clean;
}

/** cleanDescription drops tags except `<br>`, folds blanks and cuts. */
export function cleanDescription(text: string | null | undefined): string | undefined {
  const clean = cleanText(text === null || text === undefined ? undefined : withoutTags(text));
  if (clean === undefined) return undefined;
  // Twice as many units hold as many characters, so that a long text is not taken apart whole.
  return [...clean.slice(0, 2 * MAX_DESCRIPTION_CHARS)].slice(0, MAX_DESCRIPTION_CHARS).join("");
}

// By hand, since a pattern would look for the end of every tag that is never closed: quadratic on a hostile page.
function withoutTags(whole: string): string {
  const text = whole.slice(0, MAX_VALUE_CHARS);
  const kept: string[] = [];
  let from = 0;
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at + 1)) {
    if (!/^<[a-z/!?]/i.test(text.slice(at, at + 2)) || /^<br[\s/>]/i.test(text.slice(at, at + 4))) continue;
    const end = text.indexOf(">", at + 2);
    if (end < 0) break;
    kept.push(text.slice(from, at));
    from = end + 1;
    at = end;
  }
  kept.push(text.slice(from));
  return kept.join("");
}

/** splitTags splits at commas and drops what is empty. */
function splitTags(text: string | null | undefined): readonly string[] | undefined {
  const tags = text
    ?.slice(0, MAX_VALUE_CHARS)
    .split(",", MAX_TAGS)
    .map(cleanText)
    .filter((tag) => tag !== undefined);
  return tags === undefined || tags.length === 0 ? undefined : tags;
}

/** readFlag reads 0 and 1, and the words that some pages write; anything else is absent. */
function readFlag(text: string | null | undefined): boolean | undefined {
  const word = text?.slice(0, MAX_VALUE_CHARS).trim().toLowerCase();
  if (word === "1" || word === "true") return true;
  return word === "0" || word === "false" ? false : undefined;
}

/** readButton reads the kind of button; anything else is absent. */
function readButton(text: string | null | undefined): "compact" | "default" | undefined {
  const word = text?.slice(0, MAX_VALUE_CHARS).trim().toLowerCase();
  return word === "compact" || word === "default" ? word : undefined;
}

/** readOwner reads whom a page credits: a sample that was never filled in credits nobody. */
export function readOwner(text: string | null | undefined): string | undefined {
  const owner = cleanText(text);
  return owner === undefined || SAMPLE_OWNER.test(owner) ? undefined : owner;
}

/** readAddress resolves an address as the browser does. */
export function readAddress(text: string | null | undefined, base: string): URL | undefined {
  if (text === null || text === undefined || text.length > MAX_ADDRESS_CHARS) return undefined;
  return parseAddress(text, base);
}

/** readWebURL resolves an address; undefined unless it is http or https, and was filled in. */
export function readWebURL(text: string | null | undefined, base: string): string | undefined {
  const given = text?.slice(0, MAX_ADDRESS_CHARS).trim();
  if (given === undefined || given === "" || SAMPLE_URL.test(given)) return undefined;
  const url = readAddress(text, base);
  return url?.protocol === "http:" || url?.protocol === "https:" ? url.href : undefined;
}

type Optional<T> = { [K in keyof T]?: T[K] | undefined };

/** makePointer leaves out what is undefined. */
export function makePointer(form: Form, fields: Optional<Omit<Pointer, "form">>): Pointer {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { form, ...Object.fromEntries(said) };
}

/** readFields reads what a button's values and a link's query have in common. */
export function readFields(said: ReadonlyMap<string, string>) {
  return {
    title: cleanText(said.get("title")),
    description: cleanDescription(said.get("description")),
    category: cleanText(said.get("category")),
    language: cleanText(said.get("language")),
    tags: splitTags(said.get("tags")),
    hidden: readFlag(said.get("hidden")),
    button: readButton(said.get("button")),
    popout: readFlag(said.get("popout")),
  };
}
