// The one notice at the top of the popup: what keeps clicks from arriving, and the next step.
import type { Overview } from "../messages";
import { amount } from "../money";
import { button, byID, field, make, setWords } from "../page";
import { sentenceFor } from "../sentences";
import { language, text } from "../words";
import type { Acts } from "./main";

/** State is what the popup is mainly about; it stands on the body for the style sheet and for tests. */
export type State = "unpaired" | "away" | "unknown" | "other_program" | "version" | "not_linked" | "ready";

interface Notice {
  readonly words: string;
  readonly command?: boolean;
  readonly actions?: readonly HTMLElement[];
}

/** showNotice shows the most pressing notice, if any, and returns the popup's state. */
export function showNotice(overview: Overview, acts: Acts): State {
  const state = stateOf(overview);
  const notice = noticeOf(state, overview, acts);
  byID("notice").hidden = notice === undefined;
  byID("command").hidden = notice?.command !== true;
  setWords(field("problem"), notice?.words ?? "");
  const place = byID("notice-action");
  const actions = notice?.actions ?? [];
  const known = place.textContent === actions.map(({ textContent }) => textContent).join("");
  if (!known) place.replaceChildren(...actions);
  return state;
}

/** stateOf tells the most pressing state: no companion before no account. */
export function stateOf({ link, status }: Overview): State {
  switch (link) {
    case "unpaired":
    case "unknown":
    case "other_program":
    case "version":
    case "away":
      return link;
    case "idle":
    case "dialling":
    case "up":
    case "closed":
      return status !== undefined && status.account === undefined ? "not_linked" : "ready";
  }
}

function noticeOf(state: State, overview: Overview, acts: Acts): Notice | undefined {
  switch (state) {
    case "unpaired":
      return { words: text("unpaired"), actions: [primary("set-up", text("setUp"), acts.setUp)] };
    case "away":
      return {
        words: text("away"),
        command: true,
        // It may have moved to another port, which only connecting again tells.
        actions: [check(acts), button("set-up", text("connectAgain"), acts.setUp)],
      };
    case "unknown":
      return { words: text("unknownDevice"), actions: [primary("set-up", text("connectAgain"), acts.setUp)] };
    case "other_program":
      return {
        words: text("otherProgram"),
        command: true,
        actions: [check(acts), primary("set-up", text("connectAgain"), acts.setUp)],
      };
    case "version":
      return { words: text("oldVersion"), actions: [check(acts)] };
    case "not_linked":
      return { words: text("notLinked"), actions: [primary("sign-in", text("signIn"), acts.signIn)] };
    case "ready":
      return readyNotice(overview, acts);
  }
}

function readyNotice(overview: Overview, acts: Acts): Notice | undefined {
  const { status, lasting } = overview;
  const problem = status?.problems[0];
  if (problem !== undefined && problem.code !== "no_means") {
    const words = sentenceFor(problem.code, problem.sentence);
    const signIn = problem.code === "sign_in_again" || problem.code === "not_linked";
    return signIn ? { words, actions: [primary("sign-in", text("signIn"), acts.signIn)] } : { words };
  }
  if (status?.account !== undefined && lacksMeans(overview)) {
    const budget = amount(status.months[0]?.budgetMicro ?? 0, language());
    const link = make("a", "button primary", text("topUp"));
    link.href = `${status.account.ledger}/month`;
    link.target = "_blank";
    link.rel = "noreferrer";
    return { words: text("noMeans", budget), actions: [link] };
  }
  return lasting ? undefined : { words: text("notLasting") };
}

// The first click of a month takes the budget out of the means: before it, the means must reach.
function lacksMeans({ status, rows }: Overview): boolean {
  const month = status?.months[0];
  if (status === undefined || month === undefined) return false;
  if (status.problems.some(({ code }) => code === "no_means")) return true;
  const newest = rows.find(({ state }) => state !== "undone");
  if (newest?.code === "no_means") return status.meansMicro < month.budgetMicro;
  return (
    month.clicks + month.promises === 0 &&
    status.lastSync !== undefined &&
    status.meansMicro < month.budgetMicro
  );
}

function check(acts: Acts): HTMLButtonElement {
  return button("check", text("checkAgain"), acts.checkAgain);
}

function primary(action: string, label: string, work: () => void): HTMLButtonElement {
  const element = button(action, label, work);
  element.className = "primary";
  return element;
}
