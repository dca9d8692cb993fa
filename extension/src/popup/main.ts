// The popup: what can be flattred on this page, how the month stands, and what has not gone out yet.
import { parseAddress } from "../address";
import { ledgerHost } from "../background/menu";
import { PAGES } from "../background/reading";
import { browser } from "../browser";
import { isFlattrPage } from "../detect/hosts";
import type { ClickReply, Overview } from "../messages";
import { ask, byID, dress, field, fillWords, keepFocus, make, onChange, setWords, shortcutOf } from "../page";
import { sentenceFor, settledSentence } from "../sentences";
import { thingOfPage } from "../thing/subject";
import type { Thing } from "../wire.gen";
import { text } from "../words";
import { isUnshownFeed } from "./feed";
import { showMonth } from "./month";
import { showNotice } from "./notice";
import { type PageState, showPage } from "./page";
import { showRecent } from "./recent";
import { startSite } from "./site";
import { showUnsent } from "./unsent";

/** Acts are what the parts of the popup can ask for. */
export interface Acts {
  flattr(thing: Thing): void;
  undo(click: string): void;
  adopt(id: string): void;
  discard(id: string): void;
  signIn(): void;
  setUp(): void;
  checkAgain(): void;
  allow(): void;
}

/** The tab that the popup is about: the one it opened over, or one named in the address. */
async function subject(): Promise<chrome.tabs.Tab | undefined> {
  const named = Number(new URL(location.href).searchParams.get("tab"));
  if (Number.isInteger(named) && named > 0) return browser.tabs.get(named).catch(() => undefined);
  const [tab] = await browser.tabs.query({ active: true, currentWindow: true });
  return tab;
}

/** start shows the popup; it lives as long as its document. */
export async function start(signal: AbortSignal): Promise<void> {
  fillWords(document);
  dress(signal);
  const tab = await subject();
  const ledger = await ledgerHost();
  const state = stateOf(tab, ledger);
  const acts = actsFor(tab?.id, () => show());
  const show = coalesce(async () => {
    const reply = await ask<Overview>(
      tab?.id === undefined ? { kind: "overview" } : { kind: "overview", tab: tab.id, ...pageOf(state) },
    );
    if (reply.ok) render(reply.value, state, acts);
    else say(sentenceFor(reply.code, reply.sentence));
  });
  onChange(signal, show);
  byID("allow").addEventListener("click", acts.allow);
  byID("share").addEventListener("click", () => state.page !== undefined && acts.flattr(state.page));
  byID("options").addEventListener("click", () => void browser.runtime.openOptionsPage().then(window.close));
  void startSite(tab?.url, ledger, () => say(sentenceFor("settings_full", undefined)));
  show();
  void shortcutOf().then((keys) => {
    byID("shortcut").textContent = keys === "" ? text("noShortcut") : text("shortcut", keys);
  });
  void ask({ kind: "refresh" }).then(show);
  if (tab?.id !== undefined) {
    const reply = await ask<boolean>({ kind: "look", tab: tab.id });
    state.feed = await isUnshownFeed(tab.id);
    state.readable = reply.ok && reply.value;
  } else state.readable = false;
  show();
}

function stateOf(tab: chrome.tabs.Tab | undefined, ledger: string | undefined): PageState {
  const { url, title } = tab ?? {};
  const address = url === undefined ? undefined : parseAddress(url);
  return {
    readable: undefined,
    page: url === undefined ? undefined : thingOfPage(url, title, ledger),
    own: address !== undefined && isFlattrPage(address, ledger),
    feed: false,
  };
}

function pageOf(state: PageState): { page?: Thing } {
  return state.page === undefined ? {} : { page: state.page };
}

function actsFor(tab: number | undefined, show: () => void): Acts {
  const then = async (asked: Promise<{ ok: boolean; code?: string; sentence?: string }>): Promise<void> => {
    const reply = await asked;
    if (!reply.ok) say(sentenceFor(reply.code ?? "internal", reply.sentence));
    show();
  };
  return {
    flattr: (thing) => {
      say(text("toastFlattred"));
      const asked = ask<ClickReply>({
        kind: "flattr-from-popup",
        thing,
        ...(tab === undefined ? {} : { tab }),
      });
      void then(
        asked.then((reply) => {
          made = reply.ok ? reply.value.click : undefined;
          return reply;
        }),
      );
    },
    undo: (click) => {
      made = undefined;
      say(text("toastUndone"));
      void then(ask({ kind: "undo", click }));
    },
    adopt: (id) => void then(ask({ kind: "adopt", id })),
    discard: (id) => void then(ask({ kind: "discard", id })),
    signIn: () => void openTab("onboard.html#step-link"),
    setUp: () => void openTab("onboard.html"),
    checkAgain: () => void then(ask({ kind: "refresh" })),
    allow: () => {
      void browser.permissions.request({ origins: [...PAGES] }).then((granted) => {
        if (granted) void then(ask({ kind: "granted" }));
      });
    },
  };
}

async function openTab(page: string): Promise<void> {
  await browser.tabs.create({ url: browser.runtime.getURL(page) });
  window.close();
}

function say(words: string): void {
  setWords(byID("said"), words);
}

/** The click made last in this popup: what becomes of it is said here, too. */
let made: string | undefined;

function sayFate({ things, page, link }: Overview): void {
  const view = [...things, ...(page === undefined ? [] : [page])].find(({ click }) => click === made);
  if (made === undefined || view === undefined || view.standing === "flattred") return;
  if (view.standing === "refused" || (view.standing === "kept" && link !== "up")) {
    say(settledSentence({ ...view, link }));
  }
}

function render(overview: Overview, state: PageState, acts: Acts): void {
  keepFocus(document.body, () => draw(overview, state, acts));
  sayFate(overview);
}

function draw(overview: Overview, state: PageState, acts: Acts): void {
  field("account").textContent = overview.status?.account?.name ?? "";
  document.body.dataset["state"] = showNotice(overview, acts);
  showPage(overview, state, acts);
  showMonth(overview, Date.now());
  showUnsent(overview, acts);
  showRecent(overview, acts);
  byID("ledger").replaceChildren(...ledgerLink(overview));
}

function ledgerLink({ status }: Overview): readonly HTMLElement[] {
  if (status?.account === undefined) return [];
  const link = make("a", "", text("openLedger"));
  link.href = `${status.account.ledger}/month`;
  link.target = "_blank";
  link.rel = "noreferrer";
  return [link];
}

// Many changes in a row make one pass, and no two passes overlap.
function coalesce(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
