// Clicks: a flattr or an undo goes into the outbox first; only then is anybody told.
import type { ClickForm, ClickReply, FoundThing } from "../messages";
import { namesOf } from "../thing/thing";
import { type Flattr, LIMITS, type Thing, type Undo } from "../wire.gen";
import type { Month } from "./month";
import type { Outbox } from "./outbox";
import type { Place } from "./place";
import { standingOf } from "./standing";
import { uuidv7 } from "./uuid";

/** ClickError says why a click was not taken. */
export class ClickError extends Error {
  constructor(readonly code: "bad_thing" | "not_found") {
    super(`click: ${code}`);
  }
}

const FORM = /^[a-z0-9-]{1,40}$/;

/** flattr keeps a click, unless the thing is flattred this month: then it tells where the reader stands. */
export function flattr(
  outbox: Outbox,
  month: Month,
  given: Thing,
  form: ClickForm,
  place: Place,
  nowMs: number,
): Promise<ClickReply> {
  return outbox.alone(() => keepFlattr(outbox, month, given, form, place, nowMs));
}

async function keepFlattr(
  outbox: Outbox,
  month: Month,
  given: Thing,
  form: ClickForm,
  place: Place,
  nowMs: number,
): Promise<ClickReply> {
  const thing = readThing(given);
  if (thing === undefined || typeof form !== "string" || !FORM.test(form)) throw new ClickError("bad_thing");
  const at = new Date(nowMs).toISOString();
  const stand = standingOf(thing, await outbox.entries(), await month.rows(), at);
  // A click made in another browser may have been taken back there since: the ledger judges.
  const again = stand.standing === "free" || stand.code === "no_means" || stand.code === "duplicate";
  if (!again && stand.click !== undefined && stand.at !== undefined) {
    const { standing, click, undoable = false } = stand;
    return { click, standing, at: stand.at, undoable, isNew: false };
  }
  const message: Flattr = { type: "flattr", id: uuidv7(nowMs), thing, form, at, ...(await accountOf(month)) };
  await outbox.append({ message, ...place });
  return { click: message.id, standing: "kept", at, undoable: true, isNew: true };
}

/** undo keeps the taking back of a click that this browser or the companion knows. */
export function undo(
  outbox: Outbox,
  month: Month,
  click: string,
  place: Place,
  nowMs: number,
): Promise<void> {
  return outbox.alone(() => keepUndo(outbox, month, click, place, nowMs));
}

async function keepUndo(
  outbox: Outbox,
  month: Month,
  click: string,
  place: Place,
  nowMs: number,
): Promise<void> {
  const entries = await outbox.entries();
  const kept = entries.some(({ message }) => message.type === "flattr" && message.id === click);
  const row = (await month.rows()).find(({ id }) => id === click);
  if (!kept && row === undefined) throw new ClickError("not_found");
  // Once is enough: a page could else have the companion asked without end.
  if (!kept && row?.state === "undone") return;
  if (entries.some(({ message }) => message.type === "undo" && message.click === click)) return;
  const at = new Date(nowMs).toISOString();
  const message: Undo = { type: "undo", id: uuidv7(nowMs), click, at, ...(await accountOf(month)) };
  await outbox.append({ message, ...place });
}

async function accountOf(month: Month): Promise<{ account?: string }> {
  const account = (await month.status())?.account?.id;
  return account === undefined ? {} : { account };
}

/** Things taken from one frame; what a page tells is bounded there as well, but a page can break out of its script. */
const MAX_FOUND = 300;

/** readFound takes from an untrusted list what are things. */
export function readFound(given: unknown): readonly FoundThing[] {
  const found: FoundThing[] = [];
  for (const item of Array.isArray(given) ? given.slice(0, MAX_FOUND) : []) {
    const { thing, form } = (item ?? {}) as Partial<FoundThing>;
    const read = typeof thing === "object" && thing !== null ? readThing(thing) : undefined;
    if (read !== undefined && typeof form === "string" && fits(read)) found.push({ thing: read, form });
  }
  return found;
}

// What fits no click need not be remembered either.
const fits = (thing: Thing): boolean => JSON.stringify(thing).length <= LIMITS.maxJsonBytes;

/** readThing takes from an untrusted thing what is one; undefined when it has no name. */
export function readThing(given: Thing): Thing | undefined {
  const thing: Thing = {};
  for (const key of ["url", "id", "fid", "owner", "title", "description", "category", "language"] as const) {
    const value: unknown = given[key];
    if (typeof value === "string") thing[key] = value;
  }
  if (Array.isArray(given.tags)) thing.tags = given.tags.filter((tag) => typeof tag === "string");
  if (typeof given.hidden === "boolean") thing.hidden = given.hidden;
  if (thing.title !== undefined) thing.title = [...thing.title].slice(0, LIMITS.maxTitleRunes).join("");
  return namesOf(thing).length === 0 ? undefined : thing;
}
