// The part of the popup about this page: the things on it, or the page itself.
import type { Overview, ThingView } from "../messages";
import { button, byID, make } from "../page";
import { keptSentence, sentenceFor } from "../sentences";
import { namesOf } from "../thing/thing";
import type { Thing } from "../wire.gen";
import { dateOf, nameOf, text } from "../words";
import { kindWords } from "./kind";
import type { Acts } from "./main";

/** PageState is what the popup knows of the page besides its things. */
export interface PageState {
  readable: boolean | undefined; // undefined: still looking
  page: Thing | undefined; // the page itself, without its fragment; on Flattr's own pages what the page is about
  own: boolean; // a page of Flattr's own
  feed: boolean; // a feed that this browser shows as text
}

/** showPage lists the things of the page, or offers the page where it has none. */
export function showPage(overview: Overview, state: PageState, acts: Acts): void {
  const views =
    overview.things.length === 0 && overview.page !== undefined ? [overview.page] : overview.things;
  const isPage = overview.things.length === 0;
  const shown = views.filter((view) => !isPage || view.standing !== "free");
  byID("things").replaceChildren(...shown.map((view) => item(view, overview, acts)));
  const looking = state.readable === undefined;
  const offer = isPage && !looking && !state.feed && state.page !== undefined && shown.length === 0;
  const share = byID<HTMLButtonElement>("share");
  share.hidden = !offer;
  const nothing = byID("nothing");
  nothing.hidden = !isPage || looking;
  nothing.textContent = emptySentence(state, offer);
  byID("allow-hint").hidden = overview.reading || looking || state.readable === false || state.own;
}

function emptySentence(state: PageState, offer: boolean): string {
  if (state.feed) return text("feedNotShown");
  if (state.own) return text(state.page === undefined ? "ownNothing" : "ownPage");
  if (offer) return text("noThings");
  return text(state.page === undefined ? "notReadable" : "noThingsFlattred");
}

function item(view: ThingView, overview: Overview, acts: Acts): HTMLLIElement {
  const title = nameOf(view.thing);
  const line = make("li", "", make("span", "title", title));
  line.dataset["standing"] = view.standing;
  line.dataset["key"] = namesOf(view.thing)[0] ?? "";
  const actions = make("span", "actions");
  if (view.standing === "free" || view.code === "no_means") {
    const again = view.standing !== "free";
    const act = button(
      "flattr",
      text(again ? "tryAgain" : "flattrThis"),
      () => acts.flattr(view.thing),
      title,
    );
    act.className = "primary";
    actions.append(act);
  } else if (view.undoable === true && view.click !== undefined) {
    const { click } = view;
    actions.append(button("undo", text("undo"), () => acts.undo(click), title));
  }
  line.append(actions);
  const words = [kindWords(view.form), standingWords(view, overview)].filter(Boolean).join(" · ");
  if (words !== "") line.append(make("span", "quiet", words));
  return line;
}

function standingWords(view: ThingView, overview: Overview): string {
  switch (view.standing) {
    case "free":
      return "";
    case "kept":
      return overview.link === "up" || overview.link === "dialling" || view.code !== undefined
        ? keptSentence(overview.link, view.code, view.sentence)
        : text("standingKept");
    case "waiting":
      return text("standingWaiting");
    case "flattred":
      return text("standingFlattred", dateOf(view.at ?? ""));
    case "refused":
      return sentenceFor(view.code ?? "internal", view.sentence);
  }
}
