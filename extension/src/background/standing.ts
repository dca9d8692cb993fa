// Where the reader stands with a thing this month, from what is kept here and what the companion told.
import type { Standing } from "../messages";
import { namesOf, sameThing } from "../thing/thing";
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
 * standingOf looks first at what is kept here, newest first, then at the companion's clicks of the running month.
 * A click that an event in the outbox takes back does not count.
 */
export function standingOf(
  thing: Thing,
  entries: readonly Entry[],
  rows: readonly ClickRow[],
  now: string,
): Stand {
  const names = namesOf(thing);
  const undone = new Set(entries.flatMap(({ message }) => (message.type === "undo" ? [message.click] : [])));
  for (const entry of [...entries].reverse()) {
    const { message } = entry;
    if (message.type !== "flattr" || undone.has(message.id)) continue;
    if (monthOf(message.at) === monthOf(now) && sameThing(names, namesOf(message.thing)))
      return keptStand(entry);
  }
  let repeat: ClickRow | undefined;
  for (const row of rows) {
    if (row.month !== monthOf(now) || undone.has(row.id) || row.state === "undone") continue;
    if (!sameThing(names, namesOfRow(row))) continue;
    if (row.code !== "duplicate") return rowStand(row);
    repeat ??= row;
  }
  // A repeated click tells of one that counts: it may have been made in another browser, and has no row here then.
  if (repeat?.counts === undefined || undone.has(repeat.counts)) return FREE;
  return rows.some(({ id }) => id === repeat.counts) ? FREE : countingStand(repeat, repeat.counts);
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
