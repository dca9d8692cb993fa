// The button element `a.FlattrButton`: what it says, and which saying wins.
import type { Loader } from "./loader";
import { type Form, makePointer, type Pointer, readFields, readOwner, readWebURL } from "./pointer";

/** BUTTON_CLASS is the class token of a button, in exactly this case. */
export const BUTTON_CLASS = "FlattrButton";

const HTML = "http://www.w3.org/1999/xhtml";
const MARKER = "flattr";

/** KEYS are what a button, a frame or a script can say of a thing. */
export const KEYS: readonly string[] = [
  "uid",
  "owner",
  "category",
  "button",
  "language",
  "hidden",
  "tags",
  "title",
  "url",
  "description",
  "revsharekey",
  "popout",
];

/** Nodes of a button's content that are read, and units of its text: a description has a thousand. */
const MAX_CONTENT_NODES = 2000;
const MAX_CONTENT_CHARS = 20_000;

/** Pieces of a rev or rel string that are read. */
const MAX_PIECES = 200;

/** A rev or rel string is read up to here. */
const MAX_STRING_CHARS = 65_536;

/** isButton tells whether an element is a button: an `a` element with the class token, whatever a page's mode folds. */
export function isButton(element: Element): boolean {
  return (
    element.localName === "a" && element.namespaceURI === HTML && element.classList.contains(BUTTON_CLASS)
  );
}

/** pointerOfButton reads a button element; undefined when it names no web address. Later sayings win. */
export function pointerOfButton(element: Element, loader: Loader): Pointer | undefined {
  const said = new Map(loader.defaults);
  say(said, "url", element.getAttribute("href"));
  say(said, "title", element.getAttribute("title"));
  say(said, "language", element.getAttribute("lang"));
  say(said, "description", contentText(element));
  const form = readAttributes(element, loader.prefix, said);
  const url = readWebURL(said.get("url"), element.baseURI);
  if (url === undefined) return undefined;
  return makePointer(form, {
    url,
    owner: readOwner(said.get("owner")) ?? readOwner(said.get("uid")),
    ...readFields(said),
  });
}

function say(said: Map<string, string>, key: string, value: string | null | undefined): void {
  if (value !== null && value !== undefined && value.trim() !== "") said.set(key, value);
}

function readAttributes(element: Element, prefix: string, said: Map<string, string>): Form {
  for (const attribute of ["rev", "rel"] as const) {
    const text = element.getAttribute(attribute);
    if (text?.startsWith(MARKER)) {
      readString(text, said);
      return attribute === "rev" ? "js-a-rev" : "js-a-rel";
    }
  }
  let form: Form = "js-a-bare";
  for (const key of KEYS) {
    const value = element.getAttribute(prefix + key);
    if (value === null) continue;
    form = "js-a-data";
    say(said, key, value);
  }
  return form;
}

// Six characters of marker and a seventh of whatever kind are dropped; keys are not trimmed.
function readString(text: string, said: Map<string, string>): void {
  for (const piece of text.slice(MARKER.length + 1, MAX_STRING_CHARS).split(";", MAX_PIECES)) {
    const colon = piece.indexOf(":");
    if (colon < 0) continue;
    const key = piece.slice(0, colon);
    if (KEYS.includes(key)) say(said, key, piece.slice(colon + 1));
  }
}

// The text of the content; `<br>` is the one tag a description may keep. By a walker, which the names of a form's fields
// cannot lead astray.
function contentText(element: Element): string {
  let text = "";
  const walker = element.ownerDocument.createTreeWalker(element, 5); // elements and texts
  for (let count = 0; count < MAX_CONTENT_NODES && text.length < MAX_CONTENT_CHARS; count++) {
    const node = walker.nextNode();
    if (node === null) break;
    if (node.nodeType === 3) text += (node.nodeValue ?? "").slice(0, MAX_CONTENT_CHARS);
    else if ((node as Element).localName === "br") text += "<br>";
  }
  return text;
}
