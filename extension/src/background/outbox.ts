// The durable outbox: every flattr and undo is written here before anybody is told, and goes when the companion has it.
import type { Flattr, Undo } from "../wire.gen";
import { LIMITS } from "../wire.gen";
import type { Place } from "./place";

/** Entry is one event on its way to the companion, and where it was made: that page is told how it went. */
export interface Entry extends Place {
  readonly message: Flattr | Undo;
  readonly code?: string; // why the companion did not take it yet
  readonly sentence?: string;
}

/** Shelf is the part of storage.local that the outbox needs. */
export interface Shelf {
  get(keys: null): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(keys: string | string[]): Promise<void>;
}

/** OutboxError says why an event was not kept: too large for a frame, or no room. */
export class OutboxError extends Error {
  constructor(readonly code: "too_large" | "storage_full") {
    super(`outbox: ${code}`);
  }
}

const PREFIX = "out:";
const SEQUENCE_DIGITS = 12;

/** More waiting events than this are not a reader's: a month of a busy reader has a thousand clicks. */
const MAX_ENTRIES = 2000;

/** Outbox keeps events in the order of their making, one storage key each: `out:<sequence>:<uuid>`. */
export class Outbox {
  readonly #shelf: Shelf;
  #loading: Promise<Map<string, Entry>> | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #deciding: Promise<unknown> = Promise.resolve();

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  // Read when it is first asked for, since pages share this script and have no use for it; what failed is tried again.
  get #entries(): Promise<Map<string, Entry>> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  /** entries lists what is kept, oldest first. */
  async entries(): Promise<readonly Entry[]> {
    return [...(await this.#entries).values()];
  }

  /** alone runs one such work at a time: what it reads here still holds when it appends. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#deciding.then(work);
    this.#deciding = done.catch(() => {});
    return done;
  }

  /** append resolves once the event is durable, or rejects with OutboxError. */
  append(entry: Entry): Promise<void> {
    return this.#inTurn(async (entries) => {
      if (new TextEncoder().encode(JSON.stringify(entry.message)).length > LIMITS.maxJsonBytes) {
        throw new OutboxError("too_large");
      }
      if (entries.size >= MAX_ENTRIES) throw new OutboxError("storage_full");
      const key = keyAfter([...entries.keys()].at(-1), entry.message.id);
      try {
        await this.#shelf.set({ [key]: entry });
      } catch {
        throw new OutboxError("storage_full");
      }
      entries.set(key, entry);
    });
  }

  /** remove forgets an event: the companion has it, or the reader threw it away. */
  remove(id: string): Promise<void> {
    return this.#inTurn(async (entries) => {
      const key = keyOfEvent(entries, id);
      if (key === undefined) return;
      await this.#shelf.remove(key);
      entries.delete(key);
    });
  }

  /** replace changes what is known about an event; its place in the order stays. */
  replace(id: string, change: (entry: Entry) => Entry): Promise<void> {
    return this.#inTurn(async (entries) => {
      const key = keyOfEvent(entries, id);
      const before = key === undefined ? undefined : entries.get(key);
      if (key === undefined || before === undefined) return;
      const after = change(before);
      await this.#shelf.set({ [key]: after });
      entries.set(key, after);
    });
  }

  async #load(): Promise<Map<string, Entry>> {
    const stored = await this.#shelf.get(null);
    const keys = Object.keys(stored)
      .filter((key) => key.startsWith(PREFIX))
      .sort();
    return new Map(keys.map((key) => [key, stored[key] as Entry]));
  }

  // One write at a time, so that the order of keys is the order of calls.
  #inTurn(work: (entries: Map<string, Entry>) => Promise<void>): Promise<void> {
    const done = this.#writing.then(async () => work(await this.#entries));
    this.#writing = done.catch(() => {});
    return done;
  }
}

function keyOfEvent(entries: ReadonlyMap<string, Entry>, id: string): string | undefined {
  for (const [key, entry] of entries) if (entry.message.id === id) return key;
  return undefined;
}

function keyAfter(last: string | undefined, id: string): string {
  const sequence =
    last === undefined ? 0 : Number(last.slice(PREFIX.length, PREFIX.length + SEQUENCE_DIGITS)) + 1;
  return `${PREFIX}${String(sequence).padStart(SEQUENCE_DIGITS, "0")}:${id}`;
}
