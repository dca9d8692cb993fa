// The button element `a.FlattrButton`: what it says, and which saying wins.
import type { Loader } from "./loader";
import { cleanText, type Form, makePointer, type Pointer, readFields, readWebURL } from "./pointer";

/** BUTTON_CLASS is the class token of a button, in exactly this case. */
export const BUTTON_CLASS = "FlattrButton";

const MARKER = "flattr";
const KEYS: readonly string[] = [
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

/** isButton tells whether an element is a button: an `a` element with the class token. */
export function isButton(element: Element): boolean {
  return element.localName === "a" && element.classList.contains(BUTTON_CLASS);
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
    owner: cleanText(said.get("owner")) ?? cleanText(said.get("uid")),
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
  for (const piece of text.slice(MARKER.length + 1).split(";")) {
    const colon = piece.indexOf(":");
    if (colon < 0) continue;
    const key = piece.slice(0, colon);
    if (KEYS.includes(key)) say(said, key, piece.slice(colon + 1));
  }
}

// The text of the content; `<br>` is the one tag a description may keep.
function contentText(element: Element): string {
  let text = "";
  for (const node of element.childNodes) {
    if (node.nodeType === 3) text += node.nodeValue ?? "";
    else if (node.nodeType === 1) {
      const child = node as Element;
      text += child.localName === "br" ? "<br>" : contentText(child);
    }
  }
  return text;
}
