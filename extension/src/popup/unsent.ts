// The part of the popup about what has not gone out: kept here, waiting in the companion, or not counted, each with its reason.
import type { Overview } from "../messages";
import { button, byID, field, make, setWords } from "../page";
import { keptSentence, sentenceFor } from "../sentences";
import { dateOf, plural, text } from "../words";
import type { Acts } from "./main";

/** showUnsent lists events of the outbox and refusals; empty parts are not shown. */
export function showUnsent(overview: Overview, acts: Acts): void {
  const waiting = overview.status?.unsent ?? 0;
  const note = field("unsent");
  note.hidden = waiting === 0;
  note.textContent = waiting === 0 ? "" : plural("unsentLedger", waiting);
  byID("unsent-part").hidden = overview.outbox.length === 0 && waiting === 0;
  byID("unsent").replaceChildren(...unsentItems(overview, acts));
  byID("refused-part").hidden = overview.refused.length === 0;
  byID("refused").replaceChildren(...refusedItems(overview, acts));
}

function unsentItems(overview: Overview, acts: Acts): HTMLElement[] {
  const name = overview.status?.account?.name;
  const undone = new Set(overview.undoing);
  return overview.outbox.map((event) => {
    const title = event.type === "undo" ? text("undoOf") : event.title || text("untitled");
    const line = make("li", "", make("span", "title", title));
    line.dataset["click"] = event.id;
    line.dataset["key"] = event.id;
    const actions = make("span", "actions");
    if (event.code === "other_account" && name !== undefined) {
      actions.append(button("adopt", text("sendAs", name), () => acts.adopt(event.id), title));
      actions.append(button("discard", text("discard"), () => acts.discard(event.id), title));
    } else if (event.type === "flattr" && !undone.has(event.id)) {
      actions.append(button("undo", text("undo"), () => acts.undo(event.id), title));
    }
    line.append(actions, reason(keptSentence(overview.link, event.code, event.sentence)));
    return line;
  });
}

function refusedItems(overview: Overview, acts: Acts): HTMLElement[] {
  return overview.refused.map(({ id, title, at, code, sentence }) => {
    const name = title || text("untitled");
    const line = make("li", "", make("span", "title", name));
    line.dataset["click"] = id;
    line.dataset["key"] = id;
    const actions = make(
      "span",
      "actions",
      button("dismiss", text("dismiss"), () => acts.discard(id), name),
    );
    line.append(actions, reason(`${dateOf(at)} · ${sentenceFor(code, sentence)}`));
    return line;
  });
}

function reason(words: string): HTMLElement {
  const shown = make("span", "quiet");
  setWords(shown, words);
  return shown;
}
