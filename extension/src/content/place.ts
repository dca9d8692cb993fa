// The place of a replacement: the box of what it stands for, so that nothing in the page moves.

/** Sizes of the old buttons, for those that take no room now: the historical script gave it to them. */
const LARGE = { width: 55, height: 62 };
const COMPACT = { width: 110, height: 20 };

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

/** Measure is what was read of an element before it is replaced. */
export interface Measure {
  readonly shown: boolean; // it takes room in the page
  readonly bottom: number; // of its box in the window, in px
  readonly isInline: boolean; // it stands on a line of text
  readonly rules: string;
}

/** measure reads an element's place; it changes nothing. */
export function measure(element: Element, compact: boolean): Measure {
  const style = getComputedStyle(element);
  const rects = element.getClientRects();
  const box = element.getBoundingClientRect();
  const asOld = compact ? COMPACT : LARGE;
  const shown = style.display !== "none" && !isScript(element);
  if (!shown || rects.length === 0)
    return { shown, bottom: 0, isInline: false, rules: rulesOf(asOld, "inline-block") };
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
  return { shown, bottom: box.bottom, isInline: inline && fits, rules };
}

function rulesOf({ width, height }: { width: number; height: number }, display: string): string {
  return `display: ${display} !important; flex: none !important; width: ${px(width)} !important; height: ${px(height)} !important;`;
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
