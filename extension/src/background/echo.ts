// The echo of a click: what became of it, told to the page in which it was made.
import type { Link, Settled } from "../messages";
import type { Month } from "./month";
import type { Entry } from "./outbox";
import { type Place, tell } from "./place";

/** Clicks whose page is remembered; of no use once the tab is gone, so the oldest make room. */
const MAX_CLICKS = 200;

/** Fate is what is known of a click, or of the undo of one. */
export interface Fate {
  readonly standing: Settled["standing"];
  readonly code?: string | undefined;
  readonly sentence?: string | undefined;
}

/** clickOf is the id of the click that an event is about. */
export function clickOf({ message }: Entry): string {
  return message.type === "undo" ? message.click : message.id;
}

/** Echo knows the pages of the clicks of this run of the background. */
export class Echo {
  readonly #month: Month;
  readonly #link: () => Promise<Link>;
  readonly #pages = new Map<string, Place & { told?: string }>();

  constructor(month: Month, link: () => Promise<Link>) {
    this.#month = month;
    this.#link = link;
  }

  /** remember notes where an event was made. */
  remember(entry: Entry): void {
    if (entry.frame === undefined) return; // made in the popup: it looks for itself
    if (this.#pages.size >= MAX_CLICKS) {
      const oldest = this.#pages.keys().next().value;
      if (oldest !== undefined) this.#pages.delete(oldest);
    }
    const click = clickOf(entry);
    const told = this.#pages.get(click)?.told;
    this.#pages.set(click, told === undefined ? entry : { ...entry, told });
  }

  /** settle tells a click's page how it stands; a page that is gone is nobody's loss. */
  async settle(click: string, fate: Fate): Promise<void> {
    const page = this.#pages.get(click);
    if (page === undefined) return;
    const isPromise = (await this.#month.rows()).some(({ id, promise }) => id === click && promise === true);
    const share = isPromise ? undefined : (await this.#month.status())?.months[0]?.shareMicro;
    const view: Settled = {
      standing: fate.standing,
      link: await this.#link(),
      ...(fate.code === undefined ? {} : { code: fate.code }),
      ...(fate.sentence === undefined ? {} : { sentence: fate.sentence }),
      ...(share === undefined ? {} : { shareMicro: share }),
      ...(isPromise ? { promise: true } : {}),
    };
    // Each round of delivery says again why an event still waits.
    const telling = JSON.stringify(view);
    if (page.told === telling) return;
    page.told = telling;
    tell(page, { kind: "settled", click, view });
  }
}
