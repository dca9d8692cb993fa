// One lean pass over a page: a few native queries, and JavaScript touches only what they return.
import { BUTTON_CLASS, isButton, pointerOfButton } from "./button";
import { pointerOfLink } from "./link";
import { readLoader } from "./loader";
import { makePointer, type Pointer } from "./pointer";

/** Found is a pointer and the element that carries it. */
export interface Found {
  readonly pointer: Pointer;
  readonly element: Element;
}

/** More pointers than this on one page are not looked at: no honest page has them. */
export const MAX_POINTERS = 1000;

// A host, with its port where it has one, stands in a selector as it is.
const HOST = /^[a-z0-9.:[\]-]+$/;

/** scan finds every pointer of a document, in no particular order. */
export function scan(root: Document, ledgerHost: string | undefined): readonly Found[] {
  const found: Found[] = [];
  addButtons(root, found);
  addLinks(root, ledgerHost, found);
  addHeadLinks(root, ledgerHost, found);
  return found;
}

/** pointerOf reads one element, as for a click on it. */
export function pointerOf(element: Element, ledgerHost: string | undefined): Pointer | undefined {
  if (element.namespaceURI !== "http://www.w3.org/1999/xhtml") return undefined;
  if (isButton(element)) return pointerOfButton(element, readLoader(element.ownerDocument));
  if (element.localName !== "a") return undefined;
  return pointerOfLink(element.getAttribute("href"), element.baseURI, ledgerHost);
}

function addButtons(root: Document, found: Found[]): void {
  const elements = root.getElementsByClassName(BUTTON_CLASS);
  if (elements.length === 0) return;
  const loader = readLoader(root);
  for (let index = 0; index < elements.length && found.length < MAX_POINTERS; index++) {
    const element = elements[index];
    if (element === undefined || !isButton(element)) continue;
    const pointer = pointerOfButton(element, loader);
    if (pointer !== undefined) found.push({ pointer, element });
  }
}

function addLinks(root: Document, ledgerHost: string | undefined, found: Found[]): void {
  const needles = ["flattr", ...(ledgerHost !== undefined && HOST.test(ledgerHost) ? [ledgerHost] : [])];
  const seen = new Set<Element>();
  for (const needle of needles) {
    for (const element of root.querySelectorAll(`a[href*="${needle}" i]`)) {
      if (found.length >= MAX_POINTERS) return;
      if (seen.has(element) || isButton(element)) continue;
      seen.add(element);
      const pointer = pointerOfLink(element.getAttribute("href"), element.baseURI, ledgerHost);
      if (pointer !== undefined) found.push({ pointer, element });
    }
  }
}

// `rel=payment` is shared with other systems: it counts only when it leads to an auto-submit address of ours.
function addHeadLinks(root: Document, ledgerHost: string | undefined, found: Found[]): void {
  for (const element of root.head?.querySelectorAll('link[rel~="payment" i][href]') ?? []) {
    if (found.length >= MAX_POINTERS) return;
    const pointer = pointerOfLink(element.getAttribute("href"), element.baseURI, ledgerHost);
    if (pointer?.form !== "link-submit-auto") continue;
    const { form: _, ...said } = pointer;
    found.push({ pointer: makePointer("head-rel-payment", said), element });
  }
}
