// The background: the one place that talks to the companion. It answers content scripts and the extension's pages,
// and can be stopped by the browser at any moment without losing a click.
import { browser } from "../browser";
import {
  type ClickForm,
  type ClickReply,
  type FromContent,
  type FromPage,
  type Link,
  PAGE_PORT,
  type Reply,
  type ToContent,
} from "../messages";
import { DialError } from "../protocol/dial";
import { readTicket } from "../protocol/ticket";
import { sentenceFor } from "../sentences";
import { thingOfPage } from "../thing/subject";
import type { Ack, FromCompanion, FromExtension, Nack, Thing } from "../wire.gen";
import { text } from "../words";
import { ClickError, flattr, readFound, undo } from "./clicks";
import { Companion } from "./companion";
import { Delivery, RETRY_ALARM, Refused } from "./delivery";
import { clickOf, Echo } from "./echo";
import { give, startGiving } from "./given";
import { readHistory } from "./history";
import { ledgerHost, startMenu } from "./menu";
import { Month } from "./month";
import { type Entry, Outbox, OutboxError } from "./outbox";
import { makeOverview, type Sources, viewsOf } from "./overview";
import type { Place } from "./place";
import { RateLimit } from "./ratelimit";
import { inject, readAgain, settleReading } from "./reading";
import { Refresher } from "./refresher";
import { ProblemError } from "./session";
import { standingOfState } from "./standing";
import { States, stopPages } from "./states";
import { Tabs } from "./tabs";
import { paintAll, paintTab, sayOn } from "./toolbar";

/** While a page of ours is open, the session is kept awake this often: both browsers stop what is idle for 30 s. */
const PING_SECONDS = 20;

const outbox = new Outbox(browser.storage.local);
const refused = new Refused(browser.storage.local);
const month = new Month(browser.storage.local);
const tabs = new Tabs();
const limit = new RateLimit();
const pages = new Set<chrome.runtime.Port>();
const companion = new Companion(heard, linked);
const refresher = new Refresher(companion, month, changed);
const echo = new Echo(month, () => companion.link());
const delivery = new Delivery(outbox, refused, () => companion.connect(), month, told);
const states = new States(outbox, month, tabs);
const sources: Sources = { companion, month, outbox, refused, tabs };

// heard takes what the companion says unasked.
function heard(message: FromCompanion): void {
  if (message.type === "status") void month.keepStatus(message).then(accountKnown);
  if (message.type !== "click") return;
  const { click } = message;
  void month.keepRow(click).then(() => {
    const { code, sentence } = click;
    void echo.settle(click.id, { standing: standingOfState(click.state), code, sentence });
    changed();
  });
}

function linked(link: Link): void {
  if (link === "up") deliver();
  void paintAll(link);
  changed();
}

// Clicks made before the first sign-in go out as soon as there is an account.
async function accountKnown(): Promise<void> {
  changed();
  if ((await month.status())?.account !== undefined && (await outbox.entries()).length > 0) deliver();
}

/** Clicks that were stored since their worth was last asked for. */
const stored = new Set<string>();

// told is called for every event that left the outbox or was turned back.
async function told(entry: Entry, fate: Ack | Nack): Promise<void> {
  echo.remember(entry);
  const click = clickOf(entry);
  const { message } = entry;
  if (fate.type === "ack") {
    if (message.type === "flattr") stored.add(click);
    await echo.settle(click, { standing: message.type === "undo" ? "free" : standingOfState(fate.state) });
  } else if (!fate.retry) {
    await echo.settle(click, { standing: "refused", code: fate.code, sentence: fate.sentence });
  }
  changed();
}

/** What pages and toolbar show may be so much older than what is known: first of all the click must get on. */
const SHOWN_AFTER_MS = 30;
let telling = false;

// changed tells open pages to look again, repaints, and sees to the alarm; many calls in a row make one.
function changed(): void {
  if (telling) return;
  telling = true;
  setTimeout(() => {
    telling = false;
    void keepAlarm();
    for (const page of pages) page.postMessage({ kind: "changed" });
    for (const tab of tabs.all()) void paint(tab);
    void states.push();
  }, SHOWN_AFTER_MS);
}

async function paint(tab: number): Promise<void> {
  const standings = (await viewsOf(sources, tab)).map(({ standing }) => standing);
  await paintTab(tab, await companion.link(), standings);
}

async function click(thing: Thing, form: ClickForm, place: Place): Promise<ClickReply> {
  const reply = await flattr(outbox, month, thing, form, place, Date.now());
  if (reply.isNew) deliver();
  changed();
  return reply;
}

async function takeBack(id: string, place: Place): Promise<void> {
  await undo(outbox, month, id, place, Date.now());
  deliver();
  changed();
}

// deliver runs in the background; what is still kept afterwards is tried again by the alarm.
function deliver(): void {
  void delivery.run().then(async () => {
    await keepAlarm();
    for (const entry of await outbox.entries()) {
      echo.remember(entry);
      const { code, sentence } = entry;
      const standing = entry.message.type === "undo" ? "free" : "kept";
      await echo.settle(clickOf(entry), { standing, code, sentence });
    }
    await tellWorth();
    changed();
  });
}

// The worth of a click is known only after it has been counted.
async function tellWorth(): Promise<void> {
  if (stored.size === 0) return;
  const clicks = [...stored];
  stored.clear();
  try {
    await refresher.status();
  } catch {
    return; // the next status tells it
  }
  const rows = await month.rows();
  for (const click of clicks) {
    const row = rows.find(({ id }) => id === click);
    if (row === undefined) continue;
    await echo.settle(click, {
      standing: standingOfState(row.state),
      code: row.code,
      sentence: row.sentence,
    });
  }
}

// What the reader takes back on the ledger's own pages is free again here. Who has flattred nothing needs not ask.
async function lookAgain(): Promise<void> {
  if ((await month.rows()).length === 0 || (await companion.device()) === undefined) return;
  await refresher.anew().catch(() => {}); // the companion is away: it learns when it is back
}

// The alarm exists while events wait. Where the pairing does not fit, only the reader can help: it pauses.
async function keepAlarm(): Promise<void> {
  const link = await companion.link();
  const paused = link === "unpaired" || link === "unknown" || link === "other_program" || link === "version";
  const waiting = (await outbox.entries().catch(() => [])).length > 0;
  if (!waiting || paused) await browser.alarms.clear(RETRY_ALARM);
  // Made anew it would start to count anew, and in a busy browser never ring.
  else if ((await browser.alarms.get(RETRY_ALARM)) === undefined) {
    await browser.alarms.create(RETRY_ALARM, { periodInMinutes: 1 });
  }
}

// look has the frames of a tab tell what they hold; where no script runs yet, the reader's click on the toolbar allows one.
async function look(tab: number): Promise<boolean> {
  tabs.forget(tab);
  const message: ToContent = { kind: "look" };
  const answered = await browser.tabs.sendMessage(tab, message).then(
    () => true,
    () => false,
  );
  return answered || (await inject(tab));
}

async function ask(question: FromExtension): Promise<FromCompanion> {
  return (await companion.connect()).ask(question);
}

async function answerPage(message: FromPage): Promise<unknown> {
  switch (message.kind) {
    case "overview":
      return makeOverview(sources, message.tab, message.page);
    case "look":
      return look(message.tab);
    case "refresh":
      return refresher.all();
    case "flattr-from-popup":
      return click(message.thing, "popup", message.tab === undefined ? {} : { tab: message.tab });
    case "history":
      return readHistory(companion, month, message.cursor);
    case "undo":
      return takeBack(message.click, {});
    case "pair": {
      const ticket = readTicket(message.port, message.ticket);
      if (ticket === undefined) throw new ProblemError("bad_ticket", "");
      await companion.pair(ticket);
      await refresher.all();
      deliver();
      return undefined;
    }
    case "link": {
      const answer = await ask({
        type: "link",
        id: crypto.randomUUID(),
        ...(message.account === undefined ? {} : { account: message.account }),
      });
      if (answer.type !== "link") throw new ProblemError("unknown_message", "");
      if (answer.url === undefined) await refresher.all();
      return answer.url === undefined ? {} : { url: answer.url };
    }
    case "unlink":
      await ask({ type: "unlink", id: crypto.randomUUID() });
      return refresher.all();
    case "granted":
      return settleReading();
    case "adopt":
      await outbox.replace(message.id, await forPresentAccount());
      return deliver();
    case "discard":
      await refused.remove(message.id);
      await outbox.remove(message.id);
      await keepAlarm();
      return changed();
  }
}

async function forPresentAccount(): Promise<(entry: Entry) => Entry> {
  const account = (await month.status())?.account?.id;
  return ({ message, code: _code, sentence: _sentence, ...entry }) => {
    const { account: _, ...event } = message;
    return { ...entry, message: account === undefined ? event : { ...event, account } };
  };
}

async function answerContent(
  message: FromContent,
  tab: number,
  frame: number,
  document: string | undefined,
): Promise<unknown> {
  switch (message.kind) {
    case "given":
      return give();
    case "wake": // it is awake now
      return;
    case "at-ledger":
      return frame === 0 ? lookAgain() : undefined;
    case "found":
      tabs.put(tab, frame, readFound(message.things), message.fresh === true, document);
      await paint(tab);
      for (const page of pages) page.postMessage({ kind: "changed" });
      return states.of(tab, frame);
    case "flattr":
      if (!limit.take(tab, Date.now())) throw new ProblemError("too_fast", "");
      return click(message.thing, message.form, { tab, frame, document });
    case "undo":
      return takeBack(message.click, { tab, frame, document });
  }
}

async function reply(answer: Promise<unknown>): Promise<Reply<unknown>> {
  try {
    return { ok: true, value: await answer };
  } catch (error) {
    if (error instanceof ProblemError) return { ok: false, code: error.code, sentence: error.sentence };
    if (error instanceof DialError) return { ok: false, code: error.reason };
    if (error instanceof ClickError || error instanceof OutboxError) return { ok: false, code: error.code };
    console.error(error);
    return { ok: false, code: "internal" };
  }
}

function onMessage(
  message: FromContent | FromPage,
  sender: chrome.runtime.MessageSender,
  respond: (answer: Reply<unknown>) => void,
): boolean {
  if (sender.id !== browser.runtime.id) return false;
  const own = sender.url?.startsWith(browser.runtime.getURL("")) === true;
  const tab = sender.tab?.id;
  if (own) void reply(answerPage(message as FromPage)).then(respond);
  else if (tab !== undefined) {
    const { frameId = 0, documentId } = sender;
    void reply(answerContent(message as FromContent, tab, frameId, documentId)).then(respond);
  } else return false;
  return true;
}

function onConnect(port: chrome.runtime.Port): void {
  if (port.name !== PAGE_PORT || port.sender?.url?.startsWith(browser.runtime.getURL("")) !== true) return;
  pages.add(port);
  // While a page is open the session is kept awake: messages do it in Chromium, an extension call in Firefox.
  const ping = setInterval(() => {
    void browser.runtime.getPlatformInfo();
    void companion.link().then((link) => {
      if (link === "up") void ask({ type: "ping", id: crypto.randomUUID() }).catch(() => {});
    });
  }, PING_SECONDS * 1000);
  port.onDisconnect.addListener(() => {
    clearInterval(ping);
    pages.delete(port);
  });
}

function onCommand(command: string, tab: chrome.tabs.Tab | undefined): void {
  const { id, url, title } = tab ?? {};
  if (command !== "flattr-page") return;
  void ledgerHost().then((host) => {
    const thing = url === undefined ? undefined : thingOfPage(url, title, host);
    clickOutside(thing ?? {}, "shortcut", id); // what is no thing is refused, and that is said
  });
}

// A click by the menu or by a key is made in no page that could say what became of it: the toolbar's button does.
function clickOutside(thing: Thing, form: ClickForm, tab: number | undefined): void {
  void reply(click(thing, form, tab === undefined ? {} : { tab })).then((answer) => {
    if (tab === undefined) return;
    if (answer.ok) void sayOn(tab, "✓", text("toastFlattred"));
    else void sayOn(tab, "!", sentenceFor(answer.code, answer.sentence));
  });
}

/** start listens to the browser. It must be called while the script is read: later, events are lost. */
export function start(): void {
  browser.runtime.onMessage.addListener(onMessage);
  browser.runtime.onConnect.addListener(onConnect);
  browser.runtime.onInstalled.addListener(({ reason }) => {
    if (reason === "install") void browser.tabs.create({ url: browser.runtime.getURL("onboard.html") });
    if (reason === "update") void readAgain();
  });
  browser.runtime.onStartup.addListener(deliver);
  browser.alarms.onAlarm.addListener(({ name }) => {
    if (name === RETRY_ALARM) deliver();
  });
  browser.commands?.onCommand.addListener(onCommand); // browsers on telephones have no keys
  startMenu((thing, tab) => clickOutside(thing, "menu", tab));
  browser.tabs.onRemoved.addListener((tab) => {
    tabs.forget(tab);
    limit.forget(tab);
  });
  browser.permissions.onAdded.addListener(() => void settleReading().then(changed));
  browser.permissions.onRemoved.addListener(async () => {
    if (!(await settleReading())) await stopPages();
    changed();
  });
  startGiving();
  // Every start: what is registered must agree with what is allowed, and what is kept must have its alarm.
  void settleReading();
  void companion.link().then(paintAll);
  void keepAlarm();
}
