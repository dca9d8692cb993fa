// How long a button has been where it is: what comes under the pointer only now cannot have been meant.
// Places are read when a page was scanned, and while the reader points or scrolls; an idle page costs nothing.
import { browser, orphaned } from "../browser";
import type { FromContent } from "../messages";
import { boxOf, isShown } from "./honest";

/** A target must have stood on screen for this long. */
export const MIN_SEEN_MS = 500;

/** While the reader points or scrolls, places are read this often at most. */
const SAMPLE_MS = 200;

/** A button within so many pixels of its place has not moved. */
const STILL_PX = 3;

interface Place {
  x: number; // in the window
  y: number;
  pageX: number; // in the page: it stays when the page scrolls
  pageY: number;
  sinceMs: number;
}

/** Seen knows the places of the buttons that a click can flattr. */
export class Seen {
  readonly #signal: AbortSignal;
  readonly #alive: () => boolean;
  #places = new Map<Element, Place | undefined>(); // undefined: not to be seen when last looked at
  readonly #cameMs = new WeakMap<Element, number>();
  #sampledMs = 0;
  #sampling = false;
  #pointer = "";

  /** alive is asked at every look; false ends the looking. */
  constructor(signal: AbortSignal, alive: () => boolean) {
    this.#signal = signal;
    this.#alive = alive;
  }

  /** watch names the buttons of the page; those known already keep their time. */
  watch(elements: Iterable<Element>): void {
    const before = this.#places;
    this.#places = new Map();
    for (const element of elements) this.#places.set(element, before.get(element));
    if (this.#places.size === 0) return;
    // document.open takes listeners away: each look sets them again, which changes nothing where they are.
    const options = { capture: true, passive: true, signal: this.#signal };
    addEventListener("pointermove", this.#onMove, options);
    addEventListener("pointerover", this.#onOver, options);
    addEventListener("scroll", this.#sampleSoon, options);
    this.#sampleSoon();
  }

  /** isLong tells whether the element has stood where it is for long enough; if not, its time starts now. */
  isLong(element: Element, event: MouseEvent): boolean {
    this.#look(element, event.timeStamp, true);
    const sinceMs = this.#places.get(element)?.sinceMs ?? event.timeStamp;
    return event.timeStamp - Math.max(sinceMs, this.#cameMs.get(element) ?? 0) >= MIN_SEEN_MS;
  }

  #onMove = (event: PointerEvent): void => {
    if (!event.isTrusted) return;
    this.#pointer = pointOf(event);
    this.#sampleSoon();
  };

  // The pointer is over something else now. Where it has not moved, the page has: something came, or a cover went.
  #onOver = (event: PointerEvent): void => {
    if (!event.isTrusted || event.pointerType !== "mouse") return;
    for (const target of event.composedPath()) {
      if (!(target instanceof Element) || !this.#places.has(target)) continue;
      const from = event.relatedTarget;
      const within = from instanceof Node && target.contains(from);
      if (!within) wake();
      if (!within && pointOf(event) === this.#pointer) this.#cameMs.set(target, event.timeStamp);
      this.#look(target, event.timeStamp, true);
    }
  };

  #sampleSoon = (): void => {
    if (this.#sampling || this.#places.size === 0) return;
    this.#sampling = true;
    const waitMs = Math.max(0, this.#sampledMs + SAMPLE_MS - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.#sample()), waitMs);
  };

  #sample(): void {
    this.#sampling = false;
    if (this.#signal.aborted || !this.#alive()) return;
    this.#sampledMs = performance.now();
    for (const element of this.#places.keys()) this.#look(element, this.#sampledMs, false);
  }

  #look(element: Element, nowMs: number, closely: boolean): void {
    const { x, y, width, height, right, bottom } = boxOf(element);
    const off =
      width === 0 || height === 0 || right <= 0 || bottom <= 0 || x >= innerWidth || y >= innerHeight;
    if (off || !isShown(element, closely)) {
      this.#places.set(element, undefined);
      return;
    }
    const before = this.#places.get(element);
    const [pageX, pageY] = [x + scrollX, y + scrollY];
    // Counted from where it first stood, or many small steps would be none.
    if (before !== undefined && near(before.pageX, pageX) && near(before.pageY, pageY)) {
      before.x = before.pageX - scrollX;
      before.y = before.pageY - scrollY;
    } else if (before !== undefined && near(before.x, x) && near(before.y, y)) {
      before.pageX = before.x + scrollX;
      before.pageY = before.y + scrollY;
    } else this.#places.set(element, { x, y, pageX, pageY, sinceMs: nowMs });
  }
}

// A click may follow: a background that sleeps is up by then. It tells nobody anything before there is one.
function wake(): void {
  if (!orphaned()) browser.runtime.sendMessage({ kind: "wake" } satisfies FromContent).catch(() => {});
}

function near(one: number, other: number): boolean {
  return Math.abs(one - other) <= STILL_PX;
}

function pointOf({ clientX, clientY }: MouseEvent): string {
  return `${clientX} ${clientY}`;
}
