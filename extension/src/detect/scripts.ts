// A page's scripts, one after the other: the loader they bring in, and the things they speak of.
import { UNKNOWN } from "./expression";
import { pointerOfFrame } from "./frame";
import { isLoaderHost } from "./hosts";
import { GLOBALS_PATH, LOADER_PATH, type Loader, loaderOf, NO_LOADER } from "./loader";
import {
  type Form,
  makePointer,
  type Pointer,
  readAddress,
  readFields,
  readOwner,
  readWebURL,
} from "./pointer";
import { type Saying, sayingsOf } from "./script";

/** Scripts is what all scripts of a page say. */
export interface Scripts {
  readonly loader: Loader;
  readonly pointers: readonly { readonly pointer: Pointer; readonly element: Element }[];
}

/** Pages with more scripts than this are not searched further. */
const MAX_SCRIPTS = 2000;

/** Types under which a browser runs a script; others hold data or samples. */
const PROGRAM =
  /^(?:|module|(?:text|application)\/(?:x-)?(?:javascript|ecmascript|jscript|livescript)(?:1\.\d)?\s*(?:;.*)?)$/i;

// A script says the same for as long as it is there: what ran once does not run again.
const known = new WeakMap<Element, readonly Saying[]>();

/** readScripts reads the scripts of a document in their order. */
export function readScripts(root: Document, ledgerHost: string | undefined): Scripts {
  const reading = new Reading(root, ledgerHost);
  const scripts = root.getElementsByTagName("script");
  const count = Math.min(scripts.length, MAX_SCRIPTS);
  for (let index = 0; index < count; index++) {
    const script = scripts[index];
    if (script !== undefined) reading.read(script);
  }
  return reading;
}

class Reading implements Scripts {
  loader: Loader = NO_LOADER;
  readonly pointers: { pointer: Pointer; element: Element }[] = [];
  readonly #root: Document;
  readonly #ledgerHost: string | undefined;
  #variables = new Map<string, string>();

  constructor(root: Document, ledgerHost: string | undefined) {
    this.#root = root;
    this.#ledgerHost = ledgerHost;
  }

  read(script: Element): void {
    const src = script.getAttribute("src");
    const sayings = this.#sayings(script);
    // The first loader ran what stood between its own tags.
    for (const saying of sayings) this.#take(saying, script);
    if (src?.includes("load.js")) this.#load(src, script);
  }

  #sayings(script: Element): readonly Saying[] {
    const before = known.get(script);
    if (before !== undefined) return before;
    const first = script.firstChild;
    // A script that is being written has no text yet.
    if (first === null || !PROGRAM.test(script.getAttribute("type")?.trim() ?? "")) return [];
    const sayings = sayingsOf(script.textContent ?? "", this.#root.URL, this.#root.title);
    known.set(script, sayings);
    return sayings;
  }

  #take(saying: Saying, script: Element): void {
    if (saying.kind === "variable") this.#variables.set(saying.key, saying.value);
    else if (saying.kind === "address") this.#load(saying.address, script);
    else if (saying.kind === "render") this.#add(this.#rendered(saying.fields), script);
    else this.#add(this.#framed(saying.address), script);
  }

  // Whichever loader comes first gives the defaults; the first kind of all ends a block of variables.
  #load(given: string, script: Element): void {
    const address = readAddress(given, this.#root.baseURI);
    if (address === undefined || !isLoaderHost(address, this.#ledgerHost)) return;
    if (LOADER_PATH.test(address.pathname)) {
      if (this.loader === NO_LOADER) this.loader = loaderOf(given, UNKNOWN);
    } else if (GLOBALS_PATH.test(address.pathname) && this.#variables.size > 0) {
      const said = this.#variables;
      this.#variables = new Map();
      if (!said.has("url")) said.set("url", this.#root.URL.replace(/#.*$/s, ""));
      this.#add(pointerOfValues("js-global", said, this.#root.baseURI), script);
    }
  }

  #rendered(fields: ReadonlyMap<string, string>): Pointer | undefined {
    return pointerOfValues("js-render", new Map([...this.loader.defaults, ...fields]), this.#root.baseURI);
  }

  #framed(address: string): Pointer | undefined {
    const start = address.indexOf("?") + 1;
    const known = address
      .slice(start)
      .split("&")
      .filter((piece) => !piece.includes(UNKNOWN));
    const src = address.slice(0, start) + known.join("&");
    return pointerOfFrame(src, this.#root.baseURI, this.#ledgerHost, "iframe-script");
  }

  #add(pointer: Pointer | undefined, element: Element): void {
    if (pointer !== undefined) this.pointers.push({ pointer, element });
  }
}

// A thing whose address only running the script would tell is no thing here; of other values just the value is left out.
function pointerOfValues(form: Form, said: ReadonlyMap<string, string>, base: string): Pointer | undefined {
  if (said.get("url")?.includes(UNKNOWN)) return undefined;
  const values = new Map([...said].filter(([, value]) => !value.includes(UNKNOWN)));
  const url = readWebURL(values.get("url"), base);
  if (url === undefined) return undefined;
  return makePointer(form, {
    url,
    owner: readOwner(values.get("owner")) ?? readOwner(values.get("uid")),
    ...readFields(values),
  });
}
