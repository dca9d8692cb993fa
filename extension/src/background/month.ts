// The month as the companion last told it: status and clicks, kept so that the popup has something true to show at once.
import type { ClickRow, Status } from "../wire.gen";
import type { Shelf } from "./outbox";

/** Clicks remembered; beyond that the companion is asked again. */
const MAX_ROWS = 2000;

const STATUS = "status";
const ROWS = "rows";

/** LEDGER is the key under which content scripts find the host of the reader's own ledger. */
export const LEDGER = "ledger";

/** Month keeps the last status and the clicks of the open months, newest first. */
export class Month {
  readonly #shelf: Shelf;
  #loading: Promise<void> | undefined;
  #status: Status | undefined;
  #rows: readonly ClickRow[] = [];
  /** When each click was last told of by itself, counted in such tellings; kept until all clicks are told anew. */
  readonly #told = new Map<string, number>();
  #tellings = 0;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** status is the last one known. */
  async status(): Promise<Status | undefined> {
    await this.#loaded;
    return this.#status;
  }

  /** rows are the clicks of the open months, newest first. */
  async rows(): Promise<readonly ClickRow[]> {
    await this.#loaded;
    return this.#rows;
  }

  /** keepStatus stores a status; of another account it drops the clicks of the one before. */
  async keepStatus(status: Status): Promise<void> {
    await this.#loaded;
    const other = this.#status?.account?.id !== status.account?.id;
    this.#status = status;
    if (other) {
      this.#rows = [];
      this.#told.clear();
    }
    const host = hostOf(status.account?.ledger ?? status.ledger);
    await this.#write({
      [STATUS]: status,
      ...(other ? { [ROWS]: [] } : {}),
      ...(host === undefined ? {} : { [LEDGER]: host }),
    });
  }

  /** asking marks the moment before all clicks are asked for: what is told meanwhile is newer than the answer. */
  asking(): number {
    return this.#tellings;
  }

  /** keepRows replaces all clicks by an answer, but not those that were told of after it was asked for. */
  async keepRows(rows: readonly ClickRow[], asked: number): Promise<void> {
    await this.#loaded;
    const newer = new Map<string, ClickRow>();
    for (const row of this.#rows) if ((this.#told.get(row.id) ?? 0) > asked) newer.set(row.id, row);
    for (const [id, telling] of this.#told) if (telling <= asked) this.#told.delete(id);
    const answered = new Set(rows.map(({ id }) => id));
    const unseen = [...newer.values()].filter(({ id }) => !answered.has(id));
    await this.#put([...unseen, ...rows.map((row) => newer.get(row.id) ?? lean(row))]);
  }

  /** keepRow puts one click in its place: a known one is replaced, a new one comes first. */
  async keepRow(row: ClickRow): Promise<void> {
    await this.#loaded;
    this.#told.set(row.id, ++this.#tellings);
    const known = this.#rows.some(({ id }) => id === row.id);
    const rows = known
      ? this.#rows.map((old) => (old.id === row.id ? lean(row) : old))
      : [lean(row), ...this.#rows];
    await this.#put(rows);
  }

  async #put(rows: readonly ClickRow[]): Promise<void> {
    this.#rows = rows.slice(0, MAX_ROWS);
    await this.#write({ [ROWS]: this.#rows });
  }

  // Read when it is first asked for, and once.
  get #loaded(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    const stored = await this.#shelf.get(null);
    this.#status = stored[STATUS] as Status | undefined;
    this.#rows = (stored[ROWS] as ClickRow[] | undefined) ?? [];
  }

  // What is shown can be asked for again: a full store must not stop a click.
  async #write(items: Record<string, unknown>): Promise<void> {
    await this.#shelf.set(items).catch(() => {});
  }
}

/** hostOf is host and port of a ledger's address. */
export function hostOf(ledger: string): string | undefined {
  try {
    return new URL(ledger).host || undefined;
  } catch {
    return undefined;
  }
}

function lean(row: ClickRow): ClickRow {
  const { url, id } = row.thing;
  return { ...row, thing: { ...(url === undefined ? {} : { url }), ...(id === undefined ? {} : { id }) } };
}
