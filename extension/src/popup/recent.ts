// The last clicks, with what became of each, and Undo until the month is frozen.
import type { Overview } from "../messages";
import { button, byID, make } from "../page";
import { stateWords } from "../sentences";
import type { ClickRow } from "../wire.gen";
import { dateOf, nameOf, text } from "../words";
import type { Acts } from "./main";

/** Clicks shown, as many as a popup holds; the ledger's pages have them all. */
const MAX_SHOWN = 5;

/** showRecent lists the newest clicks of the account. */
export function showRecent(overview: Overview, acts: Acts): void {
  const linked = overview.status?.account !== undefined;
  const rows = overview.rows.slice(0, MAX_SHOWN);
  byID("recent-part").hidden = !linked;
  byID("no-recent").hidden = rows.length > 0;
  const undone = new Set(overview.undoing);
  byID("recent").replaceChildren(
    ...rows.map((row) => item(undone.has(row.id) ? { ...row, state: "undone", undoable: false } : row, acts)),
  );
}

function item(row: ClickRow, acts: Acts): HTMLLIElement {
  const title = row.title ?? nameOf(row.thing);
  const line = make("li", "", make("span", "title", title));
  line.dataset["click"] = row.id;
  line.dataset["key"] = row.id;
  line.dataset["state"] = row.state;
  const actions = make("span", "actions");
  if (row.undoable && row.state !== "refused" && row.state !== "undone") {
    actions.append(button("undo", text("undo"), () => acts.undo(row.id), title));
  }
  line.append(actions, make("span", "quiet", `${dateOf(row.at)} · ${stateWords(row)}`));
  return line;
}
