// States: what each frame is told of where the reader stands with its things. A frame hears of its own things only.
import { browser } from "../browser";
import type { FoundThing, ThingState, ToContent } from "../messages";
import { namesOf } from "../thing/thing";
import type { Month } from "./month";
import type { Outbox } from "./outbox";
import { tell } from "./place";
import { Standings } from "./standing";
import type { Tabs } from "./tabs";

/** Frames whose last telling is remembered; beyond it, one may be told the same again. */
const MAX_TOLD = 1000;

/** States tells frames, and tells them again when something has changed. */
export class States {
  readonly #told = new Map<string, string>();

  constructor(
    readonly outbox: Outbox,
    readonly month: Month,
    readonly tabs: Tabs,
  ) {}

  /** of answers a frame that told what it found. */
  async of(tab: number, frame: number): Promise<readonly ThingState[]> {
    const standings = await this.#standings();
    const states = statesOf(this.tabs.frames(tab).get(frame)?.things ?? [], standings);
    this.#remember(tab, frame, JSON.stringify(states));
    return states;
  }

  /** push tells the frames of all tabs what is new for them; a frame that is gone is nobody's loss. */
  async push(): Promise<void> {
    const standings = await this.#standings();
    for (const tab of this.tabs.all()) {
      for (const [frame, { things, document }] of this.tabs.frames(tab)) {
        const states = statesOf(things, standings);
        if (!this.#remember(tab, frame, JSON.stringify(states))) continue;
        tell({ tab, frame, document }, { kind: "states", states });
      }
    }
  }

  async #standings(): Promise<Standings> {
    const entries = await this.outbox.entries().catch(() => []);
    return new Standings(entries, await this.month.rows(), new Date().toISOString());
  }

  #remember(tab: number, frame: number, telling: string): boolean {
    const key = `${tab} ${frame}`;
    if (this.#told.get(key) === telling) return false;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.set(key, telling);
    return true;
  }
}

function statesOf(things: readonly FoundThing[], standings: Standings): readonly ThingState[] {
  const states: ThingState[] = [];
  for (const { thing } of things) {
    const stand = standings.of(thing);
    if (stand.standing !== "free") states.push({ names: namesOf(thing), ...stand });
  }
  return states;
}

/** stopPages has every page restored: the reader took the permission to read them back. */
export async function stopPages(): Promise<void> {
  const message: ToContent = { kind: "stop" };
  const tabs = await browser.tabs.query({});
  await Promise.all(
    tabs.map(({ id }) => id !== undefined && browser.tabs.sendMessage(id, message).catch(() => {})),
  );
}
