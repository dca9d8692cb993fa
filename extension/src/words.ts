// Words: every sentence the reader sees comes from _locales, with plurals, amounts and dates as the language has them.
import { browser } from "./browser";

/** text returns a message, with what stands for $1 to $4. */
export function text(key: string, ...substitutions: readonly string[]): string {
  return browser.i18n.getMessage(key, [...substitutions]) || key;
}

/** textIfAny returns a message without blanks, or nothing where there is none of that key. */
export function textIfAny(key: string): string {
  return /^\w+$/.test(key) ? browser.i18n.getMessage(key) : "";
}

/** plural returns the form of a message that the count asks for; $1 is the count. */
export function plural(key: string, count: number, ...substitutions: readonly string[]): string {
  const rule = new Intl.PluralRules(language()).select(count);
  const form = browser.i18n.getMessage(`${key}_${rule}`) === "" ? "other" : rule;
  return text(`${key}_${form}`, new Intl.NumberFormat(language()).format(count), ...substitutions);
}

/** language is the one that the messages are in. */
export function language(): string {
  const tag = text("languageTag");
  const wanted = browser.i18n.getUILanguage();
  return wanted.toLowerCase().startsWith(tag.toLowerCase()) ? wanted : tag;
}

/** nameOf is what a reader knows a thing by: its title, else its address, else its number. */
export function nameOf(thing: {
  readonly title?: string;
  readonly url?: string;
  readonly id?: string;
}): string {
  if (thing.title !== undefined) return thing.title;
  if (thing.url !== undefined) return thing.url.replace(/^https?:\/\//i, "");
  return thing.id === undefined ? text("untitled") : text("thingNumber", thing.id);
}

// Making one costs fifty times its use: a history has ten thousand days, and a click should be over at once.
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const tongue = language();
  const key = `${tongue} ${Object.values(options)}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(tongue, options);
  formats.set(key, format);
  return format;
}

/** dateOf is a day as the reader writes it, such as 3 November. */
export function dateOf(at: string): string {
  return formatOf({ day: "numeric", month: "long" }).format(new Date(at));
}

/** dayOf is a day with its year, such as 3 Nov 2026. */
export function dayOf(at: string): string {
  return formatOf({ dateStyle: "medium" }).format(new Date(at));
}

/** monthName is a month in full, such as November 2026. */
export function monthName(month: string): string {
  const whole = { month: "long", year: "numeric", timeZone: "UTC" } as const;
  return formatOf(whole).format(new Date(`${month}-01T00:00:00Z`));
}

/** momentOf is a day and time in the reader's own zone. */
export function momentOf(at: string): string {
  return formatOf({ dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}
