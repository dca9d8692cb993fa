// Asking the companion for the month: status always, the clicks when a page wants to show them.
import { DialError } from "../protocol/dial";
import type { ClickRow, MonthPage, Status } from "../wire.gen";
import type { Companion } from "./companion";
import type { Month } from "./month";
import { ProblemError, type Session } from "./session";

/** Pages of clicks asked for at a time: enough for a month of a thousand clicks. */
const MAX_PAGES = 60;

/** Refresher keeps the month up to date; calls while one runs share it. */
export class Refresher {
  readonly #companion: Companion;
  readonly #month: Month;
  readonly #changed: () => void;
  #running: Promise<void> | undefined;

  constructor(companion: Companion, month: Month, changed: () => void) {
    this.#companion = companion;
    this.#month = month;
    this.#changed = changed;
  }

  /** status asks how things are; rejects with DialError or ProblemError. */
  async status(): Promise<Status> {
    return this.#status(await this.#companion.connect());
  }

  /** anew has the companion ask the ledger, which may know better by now; what has changed is pushed. */
  async anew(): Promise<Status> {
    return this.#status(await this.#companion.connect(), true);
  }

  /** all asks for status and clicks; rejects with DialError or ProblemError. */
  all(): Promise<void> {
    this.#running ??= this.#all().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #all(): Promise<void> {
    const session = await this.#companion.connect();
    const status = await this.#status(session);
    const asked = this.#month.asking();
    if (status.account !== undefined) await this.#month.keepRows(await askRows(session), asked);
    this.#changed();
  }

  async #status(session: Session, anew = false): Promise<Status> {
    const id = crypto.randomUUID();
    const answer = await session.ask(anew ? { type: "status", id, anew } : { type: "status", id });
    if (answer.type !== "status") throw new DialError("closed");
    await this.#month.keepStatus(answer);
    this.#changed();
    return answer;
  }
}

async function askRows(session: Session): Promise<readonly ClickRow[]> {
  const rows: ClickRow[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer: MonthPage = await askPage(session, cursor);
    rows.push(...answer.rows);
    cursor = answer.cursor;
    if (cursor === undefined || cursor === "") break;
  }
  return rows;
}

async function askPage(session: Session, cursor: string | undefined): Promise<MonthPage> {
  const id = crypto.randomUUID();
  const answer = await session.ask(
    cursor === undefined ? { type: "month", id } : { type: "month", id, cursor },
  );
  if (answer.type !== "month") throw new ProblemError("unknown_message", "");
  return answer as MonthPage;
}
