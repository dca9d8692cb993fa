// The options page: budget, buttons, sites, appearance, shortcuts, and the history of all clicks.
import { hostOf } from "../background/month";
import { browser } from "../browser";
import type { Overview } from "../messages";
import { amount } from "../money";
import { ask, byID, dress, fillWords, make, onChange, setWords } from "../page";
import { sentenceFor } from "../sentences";
import { onSettings, readSettings } from "../settings";
import { language, text } from "../words";
import { showReading, showSettings, start as startChoices } from "./choices";
import { start as startHistory, update as updateHistory } from "./history";

/** Where Chromium lets the reader change shortcuts; Firefox has a call for it. */
const SHORTCUTS_PAGE = "chrome://extensions/shortcuts";

/** start shows the options page; it lives as long as its document. */
export function start(signal: AbortSignal): void {
  fillWords(document);
  dress(signal);
  document.title = text("optionsTitle");
  const failed = (): void => say(sentenceFor("settings_full", undefined));
  startChoices(signal, failed);
  void readSettings().then((settings) => showSettings(settings, failed));
  onSettings(signal, (settings) => showSettings(settings, failed));
  startHistory(signal, undo);
  byID("shortcuts-change").addEventListener("click", () => void changeShortcuts(), { signal });
  void showShortcuts();
  // A shortcut is changed on a page of the browser's: on the way back it is read again.
  window.addEventListener("focus", () => void showShortcuts(), { signal });
  onChange(signal, look);
  look();
  void ask({ kind: "refresh" }).then(look);
}

function look(): void {
  void ask<Overview>({ kind: "overview" }).then((reply) => {
    if (reply.ok) show(reply.value);
    else say(sentenceFor(reply.code, reply.sentence));
  });
}

function show(overview: Overview): void {
  document.body.dataset["state"] = "ready";
  showBudget(overview);
  showReading(overview);
  updateHistory(overview, undo);
}

function showBudget({ status }: Overview): void {
  const month = status?.months[0];
  const account = status?.account;
  const link = byID<HTMLAnchorElement>("budget-change");
  link.hidden = account === undefined;
  if (account === undefined) {
    byID("budget-words").textContent = text("budgetUnknown");
    return;
  }
  const host = hostOf(account.ledger) ?? account.ledger;
  link.href = `${account.ledger}/month#budget`;
  byID("budget-words").textContent =
    month === undefined
      ? text("budgetAt", host)
      : text("budgetIs", amount(month.budgetMicro, language()), account.name, host);
}

function undo(click: string): void {
  say(text("toastUndone"));
  void ask({ kind: "undo", click }).then((reply) => {
    if (!reply.ok) say(sentenceFor(reply.code, reply.sentence));
    look();
  });
}

async function showShortcuts(): Promise<void> {
  const commands = await browser.commands?.getAll();
  const pairs = (commands ?? []).flatMap(({ description, shortcut }) => [
    make("dt", "", description || text("commandOpen")),
    make("dd", "", shortcut ? make("kbd", "", shortcut) : text("noShortcut")),
  ]);
  byID("shortcuts").replaceChildren(...pairs);
}

async function changeShortcuts(): Promise<void> {
  const { openShortcutSettings } = browser.commands as { openShortcutSettings?: () => Promise<void> };
  if (openShortcutSettings !== undefined) await openShortcutSettings.call(browser.commands);
  else await browser.tabs.create({ url: SHORTCUTS_PAGE });
}

function say(words: string): void {
  setWords(byID("said"), words);
}
