// One lean pass over a page: a few native queries, and JavaScript touches only what they return.
import { BUTTON_CLASS, isButton, pointerOfButton } from "./button";
import { pointerOfFrame } from "./frame";
import { readFeed, readHead } from "./head";
import { isLinkHost } from "./hosts";
import { pointerOfLink } from "./link";
import type { Loader } from "./loader";
import { type Pointer, readAddress } from "./pointer";
import { readScripts } from "./scripts";

/** Found is a pointer and the element that carries it. */
export interface Found {
  readonly pointer: Pointer;
  readonly element: Element;
}

/** More pointers than this on one page are not looked at: no honest page has them. */
export const MAX_POINTERS = 1000;

/** Frames of one page that are looked at. */
const MAX_FRAMES = 1000;

const HTML = "http://www.w3.org/1999/xhtml";

// A host, with its port where it has one, stands in a selector as it is.
const HOST = /^[a-z0-9.:[\]-]+$/;

/** scan finds every pointer of a document and of the shadow roots that are named, those in sight first, then what the head says. */
export function scan(
  root: Document,
  ledgerHost: string | undefined,
  shadows: readonly ShadowRoot[] = [],
): readonly Found[] {
  const steps = scanning(root, ledgerHost, shadows);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** scanning is a scan in steps of a few queries each: between them a large page may do something else. */
export function* scanning(
  root: Document,
  ledgerHost: string | undefined,
  shadows: readonly ShadowRoot[],
): Generator<undefined, readonly Found[], undefined> {
  if (isFeed(root)) return readFeed(root, ledgerHost).slice(0, MAX_POINTERS);
  const found: Found[] = [];
  const scripts = readScripts(root, ledgerHost);
  yield;
  addButtons(root.querySelectorAll(`a.${BUTTON_CLASS}`), scripts.loader, found);
  // The number of frames is at hand; finding their elements is not, after each change of the page.
  if (root.defaultView?.length !== 0) addFrames(root.getElementsByTagName("iframe"), ledgerHost, found);
  addScripts(scripts.pointers, found);
  yield;
  addLinks(root, ledgerHost, found);
  yield;
  for (const shadow of shadows) {
    addButtons(shadow.querySelectorAll(`a.${BUTTON_CLASS}`), scripts.loader, found);
    addFrames(shadow.querySelectorAll("iframe"), ledgerHost, found);
    addLinks(shadow, ledgerHost, found);
  }
  return [...found, ...readHead(root, ledgerHost)];
}

/** pointerOf reads one element, as for a click on it. */
export function pointerOf(element: Element, ledgerHost: string | undefined): Pointer | undefined {
  if (element.namespaceURI !== HTML) return undefined;
  if (isButton(element))
    return pointerOfButton(element, readScripts(element.ownerDocument, ledgerHost).loader);
  if (element.localName === "iframe") return frameAt(element, ledgerHost);
  return element.localName === "a" ? linkAt(element, ledgerHost) : undefined;
}

/** isFeed tells whether a document is XML that is no page. Chromium's own view of it is built around the feed's elements. */
export function isFeed(root: Document): boolean {
  return /^(?:text\/xml|application\/(?:xml|(?:atom|rss|rdf)\+xml))$/.test(root.contentType) && !isPage(root);
}

// A page may be sent as XML too: then its own root says so, and no viewer stands around it.
function isPage(root: Document): boolean {
  const top = root.documentElement;
  return top?.namespaceURI === HTML && root.getElementById("webkit-xml-viewer-source-xml") === null;
}

function addButtons(elements: ArrayLike<Element>, loader: Loader, found: Found[]): void {
  for (let index = 0; index < elements.length && found.length < MAX_POINTERS; index++) {
    const element = elements[index];
    if (element === undefined || !isButton(element) || isUnseen(element)) continue;
    const pointer = pointerOfButton(element, loader);
    if (pointer !== undefined) found.push({ pointer, element });
  }
}

function addFrames(elements: ArrayLike<Element>, ledgerHost: string | undefined, found: Found[]): void {
  const count = Math.min(elements.length, MAX_FRAMES);
  for (let index = 0; index < count && found.length < MAX_POINTERS; index++) {
    const element = elements[index];
    const pointer = element === undefined || isUnseen(element) ? undefined : frameAt(element, ledgerHost);
    if (element !== undefined && pointer !== undefined) found.push({ pointer, element });
  }
}

// A snippet has done its work where its frame is there.
function addScripts(pointers: readonly Found[], found: Found[]): void {
  const framed = new Set(
    found.map(({ pointer }) => (pointer.form === "iframe-view" ? pointer.url : undefined)),
  );
  for (const one of pointers) {
    if (found.length >= MAX_POINTERS) return;
    if (one.pointer.form !== "iframe-script" || !framed.has(one.pointer.url)) found.push(one);
  }
}

function addLinks(root: Document | ShadowRoot, ledgerHost: string | undefined, found: Found[]): void {
  for (const element of root.querySelectorAll(linkSelector(root, ledgerHost))) {
    if (found.length >= MAX_POINTERS) return;
    if (isButton(element) || isUnseen(element)) continue;
    const pointer = linkAt(element, ledgerHost);
    if (pointer !== undefined) found.push({ pointer, element });
  }
}

// One compound selector: for a list of them Chromium leaves its fast path and takes three times as long. Most links of
// a page lead within it, and have no dot to compare any further.
function linkSelector(root: Document | ShadowRoot, ledgerHost: string | undefined): string {
  const base = readAddress(root.baseURI, root.baseURI);
  // A page whose base is ours writes its links without our name.
  if (base !== undefined && isLinkHost(base, ledgerHost)) return "a[href]";
  const hosts = ["flattr.com", ...(ledgerHost !== undefined && HOST.test(ledgerHost) ? [ledgerHost] : [])];
  const dot = hosts.every((host) => host.includes(".")) ? '[href*="."]' : "";
  return `a${dot}:is(${hosts.map((host) => `[href*="${host}" i]`).join()})`;
}

function linkAt(element: Element, ledgerHost: string | undefined): Pointer | undefined {
  return pointerOfLink(element.getAttribute("href"), element.baseURI, ledgerHost);
}

function frameAt(element: Element, ledgerHost: string | undefined): Pointer | undefined {
  const src = element.getAttribute("src");
  // What a frame shows when it has both is its own document.
  if (src === null || !src.includes("/view") || element.hasAttribute("srcdoc")) return undefined;
  return pointerOfFrame(src, element.baseURI, ledgerHost);
}

// In XML the contents of noscript are elements, and still nothing that a browser with scripts would show. Where
// scripts are off they are shown, and one directly after a button is that button's twin.
function isUnseen(element: Element): boolean {
  const noscript = element.closest("noscript");
  if (noscript === null) return false;
  if (element.ownerDocument.contentType !== "text/html") return true;
  const before = noscript.previousElementSibling;
  return before !== null && isButton(before);
}
