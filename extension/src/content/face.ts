// The face of a replacement: one button with a mark and a word, in a closed shadow root of its own.
import type { ThingState } from "../messages";
import { keptSentence, sentenceFor } from "../sentences";
import { dateOf, text } from "../words";
import type { Fit } from "./place";
import { FACE, HOST } from "./replace.style";

/** FaceState is what a face can show; each differs by shape and word, none by size. */
export type FaceState = "free" | "kept" | "waiting" | "flattred" | "no_means" | "refused";

const SVG = "http://www.w3.org/2000/svg";
const HEART =
  "M16 29.5C6.8 22.6 2 17.4 2 10.8 2 6.1 5.4 3 9.4 3c2.9 0 5.3 1.6 6.6 4.2C17.3 4.6 19.7 3 22.6 3 26.6 3 30 6.1 30 10.8c0 6.6-4.8 11.8-14 18.7z";
const LETTER = "M12 8.5v13h3.4v-4h4.4v-3.2h-4.4v-2.7h5.4V8.5z";
const CLOCK = "M16 7a6.5 6.5 0 1 0 .01 0zM16 10.5v3.2l2.2 1.4";
const SIGNS: Readonly<Record<FaceState, string>> = {
  free: "",
  kept: CLOCK,
  waiting: CLOCK,
  flattred: "M10 13.5l4.6 4.6 7.8-8.4",
  no_means: "M16 8v7.5M16 20v.2",
  refused: "M11.5 9.5l9 9m0-9l-9 9",
};

/** A title in a label is cut here: a screen reader reads all of it each time. */
const MAX_LABEL_CHARS = 120;

/** faceStateOf is what a face shows of a state. */
export function faceStateOf(state: ThingState | undefined): FaceState {
  if (state === undefined) return "free";
  if (state.standing === "refused") return state.code === "no_means" ? "no_means" : "refused";
  return state.standing;
}

/** isGiven tells whether a click is made and stands: another one would be nothing new. */
export function isGiven(state: ThingState | undefined): boolean {
  return state !== undefined && state.standing !== "free" && state.standing !== "refused";
}

let shared: CSSStyleSheet | undefined;
let pattern: HTMLButtonElement | undefined;

/** Face is a host element and the one button in it. */
export class Face {
  readonly host: HTMLElement;
  readonly #root: ShadowRoot;
  readonly #button: HTMLButtonElement;
  #shown = "";

  constructor() {
    if (shared === undefined) {
      shared = new CSSStyleSheet();
      shared.replaceSync(FACE);
    }
    this.host = document.createElement(HOST);
    this.#root = this.host.attachShadow({ mode: "closed" });
    this.#button = copy(false);
    this.#root.append(this.#button);
  }

  /** place sets size and place in the page; the sheet is shared by all that are alike, fit is how mark and word fit in. */
  place(sheet: CSSStyleSheet, fit: Fit): void {
    this.#button.dataset["fit"] = fit;
    this.#root.adoptedStyleSheets = shared === undefined ? [sheet] : [shared, sheet];
  }

  /**
   * show writes a state; what is shown already costs nothing. A page can search its text and hears of everything that
   * shifts in it, shadow roots included: so the word is no text of the document, and mark and word are new each time.
   */
  show(name: string, state: ThingState | undefined): void {
    const shape = faceStateOf(state);
    const why = sentenceOf(shape, state);
    const shown = `${shape} ${why} ${name}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const button = this.#button;
    const word = wordOf(shape);
    button.dataset["state"] = shape;
    button.ariaPressed = String(isGiven(state));
    button.ariaLabel = `${word}: ${[...name].slice(0, MAX_LABEL_CHARS).join("")}`;
    button.title = why;
    const fresh = copy(true);
    const [svg, label] = fresh.children;
    label?.setAttribute("data-word", word);
    const [, letter, sign] = svg?.children ?? [];
    letter?.setAttribute("d", shape === "free" ? LETTER : "");
    sign?.setAttribute("d", SIGNS[shape]);
    button.replaceChildren(...fresh.children);
  }
}

function wordOf(shape: FaceState): string {
  switch (shape) {
    case "free":
      return text("faceFree");
    case "flattred":
      return text("faceFlattred");
    case "kept":
    case "waiting":
      return text("faceWaiting");
    case "no_means":
      return text("faceNoMeans");
    case "refused":
      return text("faceRefused");
  }
}

function sentenceOf(shape: FaceState, state: ThingState | undefined): string {
  if (state === undefined) return "";
  switch (shape) {
    case "free":
      return "";
    case "flattred":
      return state.at === undefined ? text("toastFlattred") : text("toastBefore", dateOf(state.at));
    case "waiting":
      return sentenceFor(state.code ?? "ledger_away", state.sentence);
    case "kept":
      return keptSentence("idle", state.code, state.sentence);
    case "no_means":
    case "refused":
      return sentenceFor(state.code ?? "internal", state.sentence);
  }
}

function copy(whole: boolean): HTMLButtonElement {
  pattern ??= buildButton();
  return pattern.cloneNode(whole) as HTMLButtonElement;
}

function buildButton(): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.lang = text("languageTag");
  button.dir = text("@@bidi_dir") === "rtl" ? "rtl" : "ltr";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  svg.append(pathOf("heart", HEART), pathOf("letter", LETTER), pathOf("sign", ""));
  button.append(svg, document.createElement("span"));
  return button;
}

function pathOf(name: string, shape: string): SVGPathElement {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("class", name);
  path.setAttribute("d", shape);
  return path;
}
