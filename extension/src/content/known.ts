// What this frame knows of where the reader stands with its things. The page cannot read it.
import type { ClickReply, Settled, ThingState } from "../messages";

/** A click shows as flattred until more is heard of it, for this long at most. */
const HEARD_WITHIN_MS = 3000;

/** Known holds the states by the names of things; its listener hears of every change. */
export class Known {
  readonly #changed: () => void;
  #told = new Map<string, ThingState>();
  readonly #own = new Map<string, ThingState>(); // of clicks made here that nothing was heard of yet
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(signal: AbortSignal, changed: () => void) {
    this.#changed = changed;
    signal.addEventListener("abort", () => {
      for (const timer of this.#timers) clearTimeout(timer);
    });
  }

  /** of is the state of the thing with these names; undefined while it is free. */
  of(names: readonly string[]): ThingState | undefined {
    for (const states of [this.#own, this.#told]) {
      for (const name of names) {
        const state = states.get(name);
        if (state !== undefined) return state;
      }
    }
    return undefined;
  }

  /** tell takes what the background says of all things of this frame. */
  tell(states: readonly ThingState[]): void {
    this.#told = new Map(states.flatMap((state) => state.names.map((name) => [name, state] as const)));
    this.#changed();
  }

  /** begin shows a click at once; what follows only settles it. */
  begin(names: readonly string[]): void {
    for (const name of names) this.#own.set(name, { names, standing: "flattred" });
    this.#changed();
  }

  /** kept takes the background's answer to a click. */
  kept(names: readonly string[], { click, standing, at, undoable, isNew }: ClickReply): void {
    const state: ThingState = { names, standing, click, at, undoable };
    for (const name of names) {
      this.#told.set(name, state);
      // Without its day: the first date that a page writes takes longer than the click.
      if (isNew) this.#own.set(name, { names, standing: "flattred", click, undoable });
      else this.#own.delete(name);
    }
    this.#changed();
    if (!isNew) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#release(click);
      this.#changed();
    }, HEARD_WITHIN_MS);
    this.#timers.add(timer);
  }

  /** failed takes a click back that was not kept. */
  failed(names: readonly string[]): void {
    for (const name of names) this.#own.delete(name);
    this.#changed();
  }

  /** settled takes what became of a click. */
  settled(click: string, { standing, code, sentence }: Settled): void {
    // With the companion, a click is safe; only if the ledger does not take it soon, it is one that waits.
    if (standing !== "waiting") this.#release(click);
    for (const [name, state] of [...this.#told]) {
      if (state.click !== click) continue;
      if (standing === "free") this.#told.delete(name);
      else {
        this.#told.set(name, {
          ...state,
          standing,
          ...(code === undefined ? {} : { code }),
          ...(sentence === undefined ? {} : { sentence }),
        });
      }
    }
    this.#changed();
  }

  #release(click: string): void {
    for (const [name, state] of [...this.#own]) if (state.click === click) this.#own.delete(name);
  }
}
