// A pointer is one place in a page that says "this can be flattred": a button, a link, a head element.
import { parseAddress } from "../address";

/** Form names how a page points to a thing. */
export type Form =
  | "js-a-rev"
  | "js-a-rel"
  | "js-a-data"
  | "js-a-bare"
  | "link-thing"
  | "link-t"
  | "link-submit-auto"
  | "head-rel-payment";

/** Pointer holds what the page says, as it says it; absent fields were not said. */
export interface Pointer {
  readonly form: Form;
  readonly url?: string; // of the thing, absolute, http or https
  readonly thingID?: string; // decimal digits
  readonly fid?: string; // 6-character account id
  readonly owner?: string; // account name or partner identifier, asserted
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

/** cleanText trims and folds runs of blanks and tabs; a single line break stays. Empty text is absent. */
export function cleanText(text: string | null | undefined): string | undefined {
  const clean = text?.replaceAll(/\s{2,}|\t/g, " ").trim();
  return clean === "" ? undefined : clean;
}

/** cleanDescription drops tags except `<br>`, folds blanks and cuts. */
function cleanDescription(text: string | null | undefined): string | undefined {
  const clean = cleanText(text?.replaceAll(/<(?!br[\s/>])[a-z/!?][^>]*>/gi, ""));
  return clean === undefined ? undefined : [...clean].slice(0, MAX_DESCRIPTION_CHARS).join("");
}

/** splitTags splits at commas and drops what is empty. */
function splitTags(text: string | null | undefined): readonly string[] | undefined {
  const tags = text
    ?.split(",")
    .map(cleanText)
    .filter((tag) => tag !== undefined);
  return tags === undefined || tags.length === 0 ? undefined : tags;
}

/** readFlag reads 0 and 1, and the words that some pages write; anything else is absent. */
function readFlag(text: string | null | undefined): boolean | undefined {
  const word = text?.trim().toLowerCase();
  if (word === "1" || word === "true") return true;
  return word === "0" || word === "false" ? false : undefined;
}

/** readButton reads the kind of button; anything else is absent. */
function readButton(text: string | null | undefined): "compact" | "default" | undefined {
  const word = text?.trim().toLowerCase();
  return word === "compact" || word === "default" ? word : undefined;
}

/** readWebURL resolves an address as the browser does; undefined unless it is http or https. */
export function readWebURL(text: string | null | undefined, base: string): string | undefined {
  if (text === null || text === undefined || text.trim() === "") return undefined;
  const url = parseAddress(text, base);
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
