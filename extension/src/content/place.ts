// The place of a replacement: the box of what it stands for, so that nothing in the page moves.

/** Sizes of the old buttons, for those that take no room now: the historical script gave it to them. */
const LARGE: Size = { width: 55, height: 62 };
const COMPACT: Size = { width: 110, height: 20 };

interface Size {
  readonly width: number; // in px
  readonly height: number;
}

/** A box smaller than this in either direction shows nothing that could be clicked. */
const MIN_SIDE_PX = 12;

/** Sheets kept for faces that are alike; a page of odd boxes makes its own. */
const MAX_SHEETS = 200;

const IN_FLOW: readonly string[] = ["float", "clear", "margin-right", "margin-left"];
const BLOCK: readonly string[] = [
  "margin-top",
  "margin-bottom",
  "align-self",
  "justify-self",
  "order",
  "grid-row-start",
  "grid-row-end",
  "grid-column-start",
  "grid-column-end",
];
const PLACED: readonly string[] = ["position", "top", "right", "bottom", "left", "z-index"];

/** Fit is how mark and word fit into a box: the word below the mark, beside it, smaller beside it, or left out. */
export type Fit = "tall" | "" | "low" | "mark";

/** The least that a word needs beside the mark, and below it; less than ROOMY_PX or LOW_PX asks for small letters. */
const WORD_BESIDE_PX = 70;
const ROOMY_PX = 100;
const TALL_PX = 41;
const WORD_BELOW_PX = 50;
const LOW_PX = 18;

/** Measure is what was read of an element before it is replaced. */
export interface Measure {
  readonly shown: boolean; // it takes room in the page
  readonly isInline: boolean; // it stands on a line of text
  readonly belowPx: number; // its margin below, on that line
  readonly rules: string;
  readonly fit: Fit;
}

/** measure reads an element's place; it changes nothing. */
export function measure(element: Element, compact: boolean): Measure {
  const style = getComputedStyle(element);
  const rects = element.getClientRects();
  const box = element.getBoundingClientRect();
  const asOld = compact ? COMPACT : LARGE;
  const shown = style.display !== "none" && !isScript(element);
  if (!shown || rects.length === 0)
    return { shown, isInline: false, belowPx: 0, rules: rulesOf(asOld, "inline-block"), fit: fitOf(asOld) };
  // A link that breaks over lines has no one box; one without content has none at all.
  const fits = rects.length === 1 && box.width >= MIN_SIDE_PX && box.height >= MIN_SIDE_PX;
  const size = fits ? box : rects.length > 1 ? COMPACT : asOld;
  const floats = style.float !== "none" || style.position === "absolute" || style.position === "fixed";
  const inline = style.display.startsWith("inline") && !floats;
  const kept = [...IN_FLOW, ...(style.display === "inline" && !floats ? [] : BLOCK)];
  if (style.position !== "static") kept.push(...PLACED);
  const rules = [
    rulesOf(size, inline ? "inline-block" : "block"),
    ...kept.map((name) => `${name}: ${style.getPropertyValue(name)} !important;`),
  ].join(" ");
  const belowPx = style.display === "inline" ? 0 : Number.parseFloat(style.marginBottom) || 0;
  return { shown, isInline: inline && fits, belowPx, rules, fit: fitOf(size) };
}

function fitOf({ width, height }: Size): Fit {
  if (height >= TALL_PX && width < 2 * WORD_BELOW_PX) return width < WORD_BELOW_PX ? "mark" : "tall";
  if (width < WORD_BESIDE_PX) return "mark";
  return height < LOW_PX || width < ROOMY_PX ? "low" : "";
}

function rulesOf({ width, height }: Size, display: string): string {
  return `display: ${display} !important; flex: none !important; width: ${px(width)} !important; height: ${px(height)} !important;`;
}

let empty: CSSStyleSheet | undefined;

/** probe is the place of a host that takes no room: its lower edge is the line on which its text neighbours stand. */
export function probe(): CSSStyleSheet {
  if (empty === undefined) {
    empty = new CSSStyleSheet();
    empty.replaceSync(`:host { ${rulesOf({ width: 0, height: 0 }, "inline-block")} }`);
  }
  return empty;
}

/** raisedPx is how far the lower edge of an original stands above the line that a probe before it shows. */
export function raisedPx(probe: Element, original: Element, { belowPx }: Measure): number {
  return probe.getBoundingClientRect().bottom - original.getBoundingClientRect().bottom - belowPx;
}

const sheets = new Map<string, CSSStyleSheet>();

/** sheetOf is the sheet of a place, raised by so many px where it stands on a line. */
export function sheetOf({ rules }: Measure, raisedPx: number): CSSStyleSheet {
  const css = `:host { ${rules} vertical-align: ${px(raisedPx)} !important; }`;
  const known = sheets.get(css);
  if (known !== undefined) return known;
  if (sheets.size >= MAX_SHEETS) sheets.clear();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  sheets.set(css, sheet);
  return sheet;
}

function px(length: number): string {
  return `${Math.round(length * 100) / 100}px`;
}

/** isScript tells whether an element only stands for a button that it used to write. */
export function isScript(element: Element): boolean {
  return element.localName === "script";
}
