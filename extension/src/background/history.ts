// The history: clicks of all months, from the companion page by page; without it, what this browser remembers.
import type { History } from "../messages";
import { DialError } from "../protocol/dial";
import type { MonthPage } from "../wire.gen";
import type { Companion } from "./companion";
import type { Month } from "./month";
import { ProblemError } from "./session";

/** readHistory asks for a page of clicks, newest first; a cursor of the page before goes on from there. */
export async function readHistory(
  companion: Companion,
  month: Month,
  cursor: string | undefined,
): Promise<History> {
  try {
    const id = crypto.randomUUID();
    const session = await companion.connect();
    const answer = await session.ask(
      cursor === undefined ? { type: "history", id } : { type: "history", id, cursor },
    );
    if (answer.type !== "history") throw new ProblemError("unknown_message", "");
    const page = answer as MonthPage;
    const { rows } = page;
    return page.cursor === undefined || page.cursor === ""
      ? { rows, whole: true }
      : { rows, whole: true, cursor: page.cursor };
  } catch (error) {
    // Away, or nobody signed in there: what was told last is better than nothing, and said to be old.
    if (!(error instanceof DialError) && !(error instanceof ProblemError)) throw error;
    return { rows: cursor === undefined ? await month.rows() : [], whole: false };
  }
}
