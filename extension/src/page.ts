// What the extension's own pages share: asking the background, hearing of changes, and building elements from text.
import { browser } from "./browser";
import { type FromPage, PAGE_PORT, type Reply } from "./messages";
import { onSettings, readSettings, type Settings } from "./settings";
import { text } from "./words";

/** ask sends a question to the background. */
export async function ask<T>(question: FromPage): Promise<Reply<T>> {
  try {
    const reply: Reply<T> | undefined = await browser.runtime.sendMessage(question);
    return reply ?? { ok: false, code: "internal" };
  } catch {
    return { ok: false, code: "internal" };
  }
}

/** onChange calls back whenever the background knows something new, and keeps it awake while the page is open. */
export function onChange(signal: AbortSignal, changed: () => void): void {
  const port = browser.runtime.connect({ name: PAGE_PORT });
  port.onMessage.addListener(changed);
  // A background that was stopped drops its ports: connect to the next one.
  port.onDisconnect.addListener(() => {
    if (!signal.aborted) setTimeout(() => onChange(signal, changed), 100);
  });
  signal.addEventListener("abort", () => port.disconnect());
}

/** fillWords puts the reader's language into a page: its direction, and every element that names a text. */
export function fillWords(page: Document): void {
  page.documentElement.lang = text("languageTag");
  page.documentElement.dir = text("@@bidi_dir") === "rtl" ? "rtl" : "ltr";
  for (const element of page.querySelectorAll<HTMLElement>("[data-text]")) {
    setWords(element, text(element.dataset["text"] ?? ""));
  }
}

/** dress gives a page the appearance that the reader has chosen, now and whenever another is chosen. */
export function dress(signal: AbortSignal): void {
  const wear = ({ appearance }: Settings): void => {
    document.documentElement.dataset["appearance"] = appearance;
  };
  void readSettings().then(wear);
  onSettings(signal, wear);
}

const FOCUSABLE = "a[href], button:not(:disabled), input:not(:disabled)";

const isSeen = (element: Element): boolean => element.isConnected && element.closest("[hidden]") === null;

/**
 * keepFocus draws a part anew and leaves the focus where it was: on the same button of the same line (data-key), else
 * on what stands in its place, else on its section's heading. A focus that is lost sends keyboard and screen reader
 * back to the top of the page.
 */
export function keepFocus(part: HTMLElement, draw: () => void): void {
  const focused = document.activeElement as HTMLElement | null;
  if (focused === null || !part.contains(focused)) {
    draw();
    return;
  }
  const line = focused.closest<HTMLElement>("li, tr");
  const list = line?.parentElement;
  const index = line === null ? -1 : [...(list?.children ?? [])].indexOf(line);
  const section = focused.closest<HTMLElement>("section") ?? part;
  const { action } = focused.dataset;
  draw();
  if (isSeen(focused) && !focused.matches(":disabled")) {
    focused.focus();
    return;
  }
  const lines = [...(list?.children ?? [])] as HTMLElement[];
  const place =
    lines.find(({ dataset }) => dataset["key"] === line?.dataset["key"]) ?? lines[index] ?? lines.at(-1);
  const same = action === undefined ? null : place?.querySelector<HTMLElement>(`[data-action="${action}"]`);
  const next =
    same ??
    firstSeen(place, FOCUSABLE) ??
    firstSeen(section, FOCUSABLE) ??
    firstSeen(section, "h1, h2") ??
    firstSeen(document.body, "h1");
  if (next?.matches("h1, h2")) next.tabIndex = -1; // headings take the focus only when they are given it
  next?.focus();
}

function firstSeen(part: Element | undefined, selector: string): HTMLElement | undefined {
  return [...(part?.querySelectorAll<HTMLElement>(selector) ?? [])].find(isSeen);
}

/** setWords shows a sentence; what stands between backticks is a command. Unchanged words are left alone. */
export function setWords(element: HTMLElement, words: string): void {
  const plain = words.replaceAll("`", "");
  if (element.textContent === plain) return;
  const parts = words.split("`").map((part, index) => (index % 2 === 0 ? part : make("code", "", part)));
  element.replaceChildren(...parts);
}

/** byID returns an element that the page is known to have. */
export function byID<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`page lacks #${id}`);
  return element as T;
}

/** field returns the element that shows a named value. */
export function field(name: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(`[data-field="${name}"]`);
  if (element === null) throw new Error(`page lacks field ${name}`);
  return element;
}

/** make builds an element with a class and children; strings become text, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

/** button builds a button that says what it does. */
export function button(action: string, label: string, work: () => void, about?: string): HTMLButtonElement {
  const element = make("button", "", label);
  element.type = "button";
  element.dataset["action"] = action;
  if (about !== undefined) element.setAttribute("aria-label", `${label}: ${about}`);
  element.addEventListener("click", work);
  return element;
}

/** shortcutOf is the keyboard shortcut that opens the popup at present; empty where there is none. */
export async function shortcutOf(): Promise<string> {
  const commands = await browser.commands?.getAll();
  return commands?.find(({ name }) => name === "_execute_action")?.shortcut ?? "";
}
