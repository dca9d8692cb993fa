// The old loader script carries defaults for every button of its page in its own address.

/** Loader holds the defaults a page gives to all its buttons. */
export interface Loader {
  readonly defaults: ReadonlyMap<string, string>;
  readonly prefix: string; // of the data attributes, with its last dash
}

/** NO_LOADER is what holds on a page without loader. */
export const NO_LOADER: Loader = { defaults: new Map(), prefix: "data-flattr-" };

/** LOADER_PATH is where the loader lies in its versions, GLOBALS_PATH where the first one does, which reads global variables. */
export const LOADER_PATH = /^\/js\/[\d.]+\/load\.js$/;
export const GLOBALS_PATH = /^\/button\/load\.js$/;

const DEFAULT_KEYS: readonly string[] = ["uid", "category", "button", "language", "popout"];

/** Pieces of a loader's query that are read; it has six keys. */
const MAX_PIECES = 100;

/** loaderOf reads a loader's address as it was written. Values that hold `unknown`, which only running would tell, are left out. */
export function loaderOf(address: string, unknown: string): Loader {
  const defaults = new Map<string, string>();
  let prefix = NO_LOADER.prefix;
  const query = /\?([^#]*)/.exec(address)?.[1] ?? "";
  // Parameters are not percent-decoded: the historical script did not do it either.
  for (const piece of query.trim().replaceAll("&amp;", "&").split("&", MAX_PIECES)) {
    const equals = piece.indexOf("=");
    const key = piece.slice(0, Math.max(equals, 0));
    const value = piece.slice(equals + 1);
    if (value.includes(unknown)) continue;
    if (DEFAULT_KEYS.includes(key) && value !== "") defaults.set(key, value);
    if (key === "html5-key-prefix" && isPrefix(value)) prefix = `${value}-`;
  }
  return { defaults, prefix };
}

function isPrefix(text: string): boolean {
  return /^data-[a-z0-9_-]{1,64}$/i.test(text);
}
