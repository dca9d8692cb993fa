// What is on the pages that are open now. Held in memory only: what is read is written down nowhere.
import type { FoundThing } from "../messages";
import { mergeFound } from "../thing/merge";

/** Frames looked at on one page, and tabs remembered at a time. */
const MAX_FRAMES = 100;
const MAX_TABS = 500;

/** Held is what a frame told of, and which document it was that told. */
export interface Held {
  readonly things: readonly FoundThing[];
  readonly document?: string | undefined;
}

/** Tabs knows the things of every frame that told of some. */
export class Tabs {
  readonly #frames = new Map<number, Map<number, Held>>();

  /** put keeps what a frame has found; a fresh top frame is a new page and drops what was there. */
  put(tab: number, frame: number, things: readonly FoundThing[], fresh: boolean, document?: string): void {
    const frames = fresh && frame === 0 ? new Map() : (this.#frames.get(tab) ?? new Map());
    this.#frames.delete(tab);
    if (this.#frames.size >= MAX_TABS) this.forget(this.#frames.keys().next().value);
    if (frames.size < MAX_FRAMES || frames.has(frame)) frames.set(frame, { things, document });
    this.#frames.set(tab, frames);
  }

  /** frames are the frames of a tab that told, with what each holds. */
  frames(tab: number): ReadonlyMap<number, Held> {
    return this.#frames.get(tab) ?? new Map();
  }

  /** things are the distinct things of a tab, over all its frames. */
  things(tab: number): readonly FoundThing[] {
    return mergeFound([...this.frames(tab).values()].flatMap(({ things }) => things));
  }

  /** all lists the tabs that are known. */
  all(): readonly number[] {
    return [...this.#frames.keys()];
  }

  /** forget drops a closed tab. */
  forget(tab: number | undefined): void {
    if (tab !== undefined) this.#frames.delete(tab);
  }
}
