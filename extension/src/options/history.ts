// The history on the options page: every click the companion knows, to search, to take back, to take along.
import type { History, Overview } from "../messages";
import { ask, button, byID, keepFocus, make } from "../page";
import { stateWords } from "../sentences";
import type { ClickRow } from "../wire.gen";
import { dateOf, dayOf, nameOf, plural, text } from "../words";
import { csvOf } from "./csv";

/** Clicks read at most: twenty years of a busy reader. */
const MAX_ROWS = 50_000;

/** Rows shown at a time; more on demand. */
const SHOWN_AT_ONCE = 50;

let rows: readonly ClickRow[] = [];
let undoing: ReadonlySet<string> = new Set();
let whole = true;
let reading = true;
let shown = SHOWN_AT_ONCE;

/** start listens to the history's controls and reads it; undo takes a click back. */
export function start(signal: AbortSignal, undo: (click: string) => void): void {
  const search = byID<HTMLInputElement>("search");
  search.addEventListener(
    "input",
    () => {
      shown = SHOWN_AT_ONCE;
      show(undo);
    },
    { signal },
  );
  byID("search-form").addEventListener("submit", (event) => event.preventDefault(), { signal });
  byID("export").addEventListener("click", () => save(csvOf(matching())), { signal });
  byID("more").addEventListener(
    "click",
    () => {
      const next = shown;
      shown += SHOWN_AT_ONCE;
      show(undo);
      byID("rows").children[next]?.querySelector<HTMLElement>("a, button")?.focus();
    },
    { signal },
  );
  void readAll(undo);
}

/** update puts what has changed since into the rows that were read. */
export function update(overview: Overview, undo: (click: string) => void): void {
  const before = undoing;
  undoing = new Set(overview.undoing);
  const newer = new Map(overview.rows.map((row) => [row.id, row]));
  const known = rows.map((row) => {
    const now = newer.get(row.id);
    newer.delete(row.id);
    return now ?? row;
  });
  rows = reading ? known : [...newer.values(), ...known];
  show(undo);
  // The overview has the newest clicks only: what became of the undo of an older one, the companion knows.
  const isTold = (click: string): boolean => overview.rows.some(({ id }) => id === click);
  if (!reading && [...before].some((click) => !undoing.has(click) && !isTold(click))) void readAll(undo);
}

async function readAll(undo: (click: string) => void): Promise<void> {
  reading = true;
  let cursor: string | undefined;
  let read: ClickRow[] = [];
  do {
    const reply = await ask<History>({ kind: "history", ...(cursor === undefined ? {} : { cursor }) });
    whole = reply.ok && reply.value.whole;
    if (!reply.ok) break;
    read = [...read, ...reply.value.rows];
    cursor = reply.value.rows.length === 0 ? undefined : reply.value.cursor; // an empty page leads nowhere
    if (read.length >= rows.length) rows = read; // read once more, they do not first become fewer
    show(undo);
  } while (cursor !== undefined && read.length < MAX_ROWS);
  if (cursor !== undefined) whole = false;
  reading = false;
  rows = read;
  show(undo);
}

/** folded is a text as a search compares it: small letters, accents apart and left out. */
function folded(words: string): string {
  return words.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

function matching(): readonly ClickRow[] {
  const wanted = folded(byID<HTMLInputElement>("search").value).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return rows;
  return rows.filter((row) => {
    const has = folded(`${titleOf(row)} ${row.url ?? row.thing.url ?? ""} ${dayOf(row.at)} ${stateOf(row)}`);
    return wanted.every((word) => has.includes(word));
  });
}

const titleOf = (row: ClickRow): string => row.title ?? nameOf(row.thing);

const stateOf = (row: ClickRow): string =>
  stateWords(undoing.has(row.id) ? { ...row, state: "undone" } : row);

function show(undo: (click: string) => void): void {
  keepFocus(byID("history"), () => draw(undo));
}

function draw(undo: (click: string) => void): void {
  const found = matching();
  byID("rows").replaceChildren(...found.slice(0, shown).map((row) => line(row, undo)));
  byID("more").hidden = found.length <= shown;
  byID<HTMLButtonElement>("export").disabled = reading || found.length === 0;
  const words = [countWords(found.length)];
  if (!whole && !reading) words.push(text("historyPart"));
  const count = byID("count");
  if (count.textContent !== words.join(" ")) count.textContent = words.join(" ");
}

function countWords(found: number): string {
  if (reading) return text("loading"); // each page has a number of its own, and a screen reader would say them all
  if (rows.length === 0) return text("historyEmpty");
  return found === 0 ? text("searchNothing") : plural("historyCount", found);
}

function line(row: ClickRow, undo: (click: string) => void): HTMLTableRowElement {
  const title = titleOf(row);
  const url = row.url ?? row.thing.url;
  const thing = make("td", "thing");
  if (url !== undefined && /^https?:\/\//i.test(url)) {
    const link = make("a", "", title);
    link.href = url;
    link.target = "_blank";
    link.rel = "noreferrer";
    thing.append(link);
  } else thing.append(title);
  const actions = make("td", "");
  if (row.undoable && row.state !== "refused" && row.state !== "undone" && !undoing.has(row.id)) {
    actions.append(button("undo", text("undo"), () => undo(row.id), `${title}, ${dateOf(row.at)}`));
  }
  const shownRow = make(
    "tr",
    "",
    make("td", "", dayOf(row.at)),
    thing,
    make("td", "", stateOf(row)),
    actions,
  );
  shownRow.dataset["key"] = row.id;
  return shownRow;
}

// A file is saved by a link that is clicked here and never shown: no permission is needed for it.
function save(csv: string): void {
  const link = make("a", "");
  link.href = URL.createObjectURL(new Blob([csv], { type: "text/csv;charset=utf-8" }));
  link.download = `flattr-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
