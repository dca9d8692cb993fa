// Delivery: carries the outbox to the companion, in order, and removes an event only when the companion has stored it.

import type { RefusedView } from "../messages";
import { DialError } from "../protocol/dial";
import type { Ack, ClickRow, Flattr, Nack, Undo } from "../wire.gen";
import { nameOf } from "../words";
import type { Month } from "./month";
import type { Entry, Outbox, Shelf } from "./outbox";
import { ProblemError, type Session } from "./session";
import { monthOf } from "./standing";

/** RETRY_ALARM wakes the background while events wait. */
export const RETRY_ALARM = "outbox";

/** The page of a click hears of its answer before what is stored about it keeps the browser busy; once in a round. */
const HEARD_FIRST_MS = 20;

const REFUSED = "refused";

/** Refusals shown at most; older ones make room. */
const MAX_REFUSED = 50;

/** Codes after which the next event may still go: they concern one event, not the companion. */
const CONCERNS_ONE: readonly string[] = ["other_account"];

/** Refused keeps the events that the companion would never take, with its reason, until the reader has seen them. */
export class Refused {
  readonly #shelf: Shelf;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** list is newest first. */
  async list(): Promise<readonly RefusedView[]> {
    return ((await this.#shelf.get(null))[REFUSED] as RefusedView[] | undefined) ?? [];
  }

  /** add puts a refusal first. */
  add(refused: RefusedView): Promise<void> {
    return this.#change((list) => [refused, ...list.filter(({ id }) => id !== refused.id)]);
  }

  /** remove forgets a refusal. */
  remove(id: string): Promise<void> {
    return this.#change((list) => list.filter((refused) => refused.id !== id));
  }

  // One change at a time: each begins with what the one before has written.
  #change(change: (list: readonly RefusedView[]) => readonly RefusedView[]): Promise<void> {
    const done = this.#writing.then(async () =>
      this.#shelf.set({ [REFUSED]: change(await this.list()).slice(0, MAX_REFUSED) }),
    );
    this.#writing = done.catch(() => {});
    return done;
  }
}

/** Told is called after every event whose fate changed. */
export type Told = (entry: Entry, fate: Ack | Nack) => Promise<void>;

/** Delivery runs once at a time; a call while it runs makes it look again. */
export class Delivery {
  readonly #outbox: Outbox;
  readonly #refused: Refused;
  readonly #connect: () => Promise<Session>;
  readonly #month: Month;
  readonly #told: Told;
  #running: Promise<void> | undefined;
  #again = false;
  #heard: Promise<void> | undefined;

  constructor(outbox: Outbox, refused: Refused, connect: () => Promise<Session>, month: Month, told: Told) {
    this.#outbox = outbox;
    this.#refused = refused;
    this.#connect = connect;
    this.#month = month;
    this.#told = told;
  }

  /** run delivers what is kept; it resolves when nothing more can be done now, and never rejects. */
  run(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #rounds(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      this.#heard = undefined;
      const entries = await this.#outbox.entries().catch(() => []);
      if (entries.length === 0) continue; // a click may have come while the outbox was read
      try {
        const session = await this.#connect();
        for (const entry of entries) if (!(await this.#deliver(session, entry))) return;
      } catch (error) {
        // What is kept stays kept: the alarm or the next click tries again.
        if (!(error instanceof DialError)) console.error(error);
        return;
      }
    }
  }

  // Tells whether the next event may go.
  async #deliver(session: Session, entry: Entry): Promise<boolean> {
    const fate = await askFate(session, entry.message);
    if (fate.type === "ack") {
      await this.#told(entry, fate); // the reader looks at the button: what is durable is told first
      this.#heard ??= new Promise((goOn) => setTimeout(goOn, HEARD_FIRST_MS));
      await this.#heard;
      await this.#keepRow(entry.message, fate);
      await this.#outbox.remove(entry.message.id);
    } else {
      // A full store has no room for a reason: the event stays as it is, and those behind it may make room.
      await this.#note(entry.message, fate).catch(() => {});
      await this.#told(entry, fate);
    }
    return fate.type === "ack" || !fate.retry || CONCERNS_ONE.includes(fate.code);
  }

  async #note(message: Flattr | Undo, { code, sentence, retry }: Nack): Promise<void> {
    const { id, at } = message;
    if (retry) return this.#outbox.replace(id, (before) => ({ ...before, code, sentence }));
    await this.#refused.add({ id, title: titleOf(message), at, code, sentence });
    await this.#outbox.remove(id);
  }

  // The click is remembered before the outbox forgets it, so that at no time it seems not to be there.
  async #keepRow(message: Flattr | Undo, fate: Ack): Promise<void> {
    const click = message.type === "undo" ? message.click : message.id;
    const known = (await this.#month.rows()).find(({ id }) => id === click);
    if (message.type === "undo") {
      if (known !== undefined) await this.#month.keepRow({ ...known, state: "undone", undoable: false });
      return;
    }
    // What is known already says more than the message; the ledger's word may have come before this, and stays.
    if (known === undefined || (fate.state !== "waiting" && fate.state !== known.state))
      await this.#month.keepRow(rowOf(message, fate.state));
  }
}

async function askFate(session: Session, message: Flattr | Undo): Promise<Ack | Nack> {
  try {
    const answer = await session.ask(message);
    if (answer.type === "ack" || answer.type === "nack") return answer;
    throw new DialError("closed"); // an answer of another kind is no answer
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const retry = error.code === "busy" || error.code === "degraded" || error.code === "unknown_message";
    return { type: "nack", id: message.id, code: error.code, sentence: error.sentence, retry };
  }
}

/** titleOf names the thing of a flattr; an undo has no name of its own. */
export function titleOf(message: Flattr | Undo): string {
  return message.type === "undo" ? "" : nameOf(message.thing);
}

function rowOf(message: Flattr, state: ClickRow["state"]): ClickRow {
  const { title, url } = message.thing;
  return {
    id: message.id,
    state,
    month: monthOf(message.at),
    at: message.at,
    thing: message.thing,
    undoable: true,
    ...(title === undefined ? {} : { title }),
    ...(url === undefined ? {} : { url }),
  };
}
