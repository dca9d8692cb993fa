// Where the reader stands with a thing this month, from what is kept here and what the companion told.
import type { Standing } from "../messages";
import { namesOf } from "../thing/thing";
import type { ClickRow, Thing } from "../wire.gen";
import type { Entry } from "./outbox";

/** Stand is a standing and the click it comes from. */
export interface Stand {
  readonly standing: Standing;
  readonly click?: string;
  readonly at?: string;
  readonly code?: string;
  readonly sentence?: string;
  readonly undoable?: boolean;
}

const FREE: Stand = { standing: "free" };

/** monthOf is the calendar month of a time, in UTC, such as 2026-11. */
export function monthOf(at: string): string {
  return at.slice(0, 7);
}

/**
 * Standings knows where the reader stands with any thing: it looks first at what is kept here, newest first, then at
 * the companion's clicks of the running month. A click that an event in the outbox takes back does not count.
 */
export class Standings {
  readonly #undone: ReadonlySet<string>;
  readonly #rows: readonly ClickRow[];
  readonly #kept = new Map<string, Entry>(); // the newest by name
  readonly #row = new Map<string, number>(); // the first by name, as its place among the rows
  readonly #repeat = new Map<string, number>();

  constructor(entries: readonly Entry[], rows: readonly ClickRow[], now: string) {
    this.#rows = rows;
    this.#undone = new Set(
      entries.flatMap(({ message }) => (message.type === "undo" ? [message.click] : [])),
    );
    for (const entry of entries) {
      const { message } = entry;
      if (message.type !== "flattr" || this.#undone.has(message.id)) continue;
      if (monthOf(message.at) !== monthOf(now)) continue;
      for (const name of namesOf(message.thing)) this.#kept.set(name, entry);
    }
    for (const [place, row] of rows.entries()) {
      if (row.month !== monthOf(now) || this.#undone.has(row.id) || row.state === "undone") continue;
      const places = row.code === "duplicate" ? this.#repeat : this.#row;
      for (const name of namesOfRow(row)) if (!places.has(name)) places.set(name, place);
    }
  }

  /** of is the standing of one thing. */
  of(thing: Thing): Stand {
    const names = namesOf(thing);
    const kept = names.map((name) => this.#kept.get(name)).find((entry) => entry !== undefined);
    if (kept !== undefined) return keptStand(kept);
    const row = this.#first(this.#row, names);
    if (row !== undefined) return rowStand(row);
    // A repeated click tells of one that counts: it may have been made in another browser, and has no row here then.
    const repeat = this.#first(this.#repeat, names);
    if (repeat?.counts === undefined || this.#undone.has(repeat.counts)) return FREE;
    return this.#rows.some(({ id }) => id === repeat.counts) ? FREE : countingStand(repeat, repeat.counts);
  }

  #first(places: ReadonlyMap<string, number>, names: readonly string[]): ClickRow | undefined {
    return this.#rows[Math.min(...names.map((name) => places.get(name) ?? Number.POSITIVE_INFINITY))];
  }
}

/** standingOf is the standing of one thing; for many, Standings is built once. */
export function standingOf(
  thing: Thing,
  entries: readonly Entry[],
  rows: readonly ClickRow[],
  now: string,
): Stand {
  return new Standings(entries, rows, now).of(thing);
}

// What becomes of that click over there is not told here: it is not undone from here, and nothing rests on it.
function countingStand({ countsAt, at }: ClickRow, counts: string): Stand {
  return { standing: "flattred", click: counts, at: countsAt ?? at, code: "duplicate", undoable: false };
}

function keptStand({ message, code, sentence }: Entry): Stand {
  return {
    standing: "kept",
    click: message.id,
    at: message.at,
    undoable: true,
    ...(code === undefined ? {} : { code }),
    ...(sentence === undefined ? {} : { sentence }),
  };
}

function rowStand(row: ClickRow): Stand {
  return {
    standing: standingOfState(row.state),
    click: row.id,
    at: row.at,
    undoable: row.undoable && row.state !== "refused",
    ...(row.code === undefined ? {} : { code: row.code }),
    ...(row.sentence === undefined ? {} : { sentence: row.sentence }),
  };
}

/** standingOfState translates a click's state into where the reader stands. */
export function standingOfState(state: ClickRow["state"]): Standing {
  switch (state) {
    case "kept":
      return "kept";
    case "waiting":
      return "waiting";
    case "accepted":
    case "late":
      return "flattred";
    case "refused":
      return "refused";
    case "undone":
      return "free";
  }
}

// A page of fifty buttons asks for the names of a thousand rows fifty times, at each repainting.
const rowNames = new WeakMap<ClickRow, readonly string[]>();

function namesOfRow(row: ClickRow): readonly string[] {
  const known = rowNames.get(row);
  if (known !== undefined) return known;
  const names = readNames(row);
  rowNames.set(row, names);
  return names;
}

function readNames(row: ClickRow): readonly string[] {
  const canonical: Thing = {};
  if (row.url !== undefined) canonical.url = row.url;
  if (row.thingId !== undefined) canonical.id = row.thingId;
  return [...namesOf(row.thing), ...namesOf(canonical)];
}
