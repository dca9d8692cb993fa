// The old loader script carries defaults for every button of its page in its own address.

/** Loader holds the defaults a page gives to all its buttons. */
export interface Loader {
  readonly defaults: ReadonlyMap<string, string>;
  readonly prefix: string; // of the data attributes, with its last dash
}

/** NO_LOADER is what holds on a page without loader. */
export const NO_LOADER: Loader = { defaults: new Map(), prefix: "data-flattr-" };

const DEFAULT_KEYS: readonly string[] = ["uid", "category", "button", "language", "popout"];
const ADDRESS = /(?:https?:)?\/\/api\.flattr\.com\/js\/[\d.]+\/load\.js\?([^\s"'<>]*)/i;

/** Inline scripts longer than this are programs, not loader snippets. */
const MAX_SNIPPET_CHARS = 20_000;

/** Pages with more scripts than this are not searched further. */
const MAX_SCRIPTS = 500;

/** readLoader finds the loader among a page's scripts, by address or inside an inline script. */
export function readLoader(root: Document): Loader {
  const scripts = root.getElementsByTagName("script");
  for (let index = 0; index < Math.min(scripts.length, MAX_SCRIPTS); index++) {
    const script = scripts[index];
    if (script === undefined) break;
    const address = script.getAttribute("src");
    const text = address ?? script.textContent ?? "";
    if (text.length > MAX_SNIPPET_CHARS || !text.includes("load.js")) continue;
    const query = ADDRESS.exec(text)?.[1];
    if (query !== undefined) return loaderOf(query);
  }
  return NO_LOADER;
}

// Parameters of the loader are not percent-decoded: the historical script did not do it either.
function loaderOf(query: string): Loader {
  const defaults = new Map<string, string>();
  let prefix = NO_LOADER.prefix;
  for (const piece of query.replaceAll("&amp;", "&").split("&")) {
    const [key = "", value = ""] = piece.split(/=(.*)/s);
    if (DEFAULT_KEYS.includes(key) && value !== "") defaults.set(key, value);
    if (key === "html5-key-prefix" && isPrefix(value)) prefix = `${value}-`;
  }
  return { defaults, prefix };
}

function isPrefix(text: string): boolean {
  return /^data-[a-z0-9_-]{1,64}$/i.test(text);
}
