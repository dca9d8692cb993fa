// The background as messages reach it: what hostile ones get, and what the reader is told where no page can say it.
import { beforeAll, beforeEach, expect, it } from "vitest";
import { MapShelf } from "./shelf";

type Listener = (...given: unknown[]) => unknown;

const shelf = new MapShelf();
const heard: Record<string, Listener[]> = {};
let shown: unknown[];

const event = (name: string) => ({
  addListener: (listener: Listener): void => {
    heard[name] = [...(heard[name] ?? []), listener];
  },
});

beforeAll(async () => {
  const nothing = async (): Promise<void> => {};
  const show = async (what: unknown) => void shown.push(what);
  Object.assign(chrome.runtime, {
    id: "own",
    getURL: (path: string) => `chrome-extension://own/${path}`,
    onMessage: event("message"),
    onConnect: event("connect"),
    onInstalled: event("installed"),
    onStartup: event("startup"),
  });
  Object.assign(chrome, {
    storage: { local: shelf, session: new MapShelf(), onChanged: event("stored") },
    alarms: { onAlarm: event("alarm"), get: nothing, clear: nothing, create: nothing },
    commands: { onCommand: event("command") },
    contextMenus: { onClicked: event("menu"), removeAll: nothing, create: nothing },
    tabs: { onRemoved: event("removed"), query: async () => [], sendMessage: nothing },
    permissions: { onAdded: event("added"), onRemoved: event("taken"), contains: async () => false },
    scripting: { getRegisteredContentScripts: async () => [] },
    action: {
      setBadgeText: show,
      setTitle: show,
      setIcon: nothing,
      setBadgeBackgroundColor: nothing,
      setBadgeTextColor: nothing,
    },
  });
  // Nothing is drawn here: the faces are looked at in the pictures of the end-to-end tests.
  const canvas = new Proxy({}, { get: () => nothing, set: () => true });
  class OffscreenCanvas {
    getContext = () => canvas;
  }
  class Path2D {}
  Object.assign(globalThis, { self: { origin: "chrome-extension://own" }, OffscreenCanvas, Path2D });
  const { start } = await import("../../src/background/main");
  start();
  // Events are lost on a background that listens later than while its script is read.
  for (const name of ["message", "connect", "installed", "startup", "alarm", "command", "added", "taken"])
    expect(heard[name], name).toBeDefined();
});

beforeEach(() => {
  shelf.full = false;
  shown = [];
});

const page = { id: "own", url: "https://a.example/", tab: { id: 7 }, frameId: 3, documentId: "D3" };

function send(message: unknown, sender: unknown): Promise<unknown> | false {
  let answered: (answer: unknown) => void = () => {};
  const answer = new Promise((resolve) => {
    answered = resolve;
  });
  return heard["message"]?.[0]?.(message, sender, answered) === true && answer;
}

it("starts where a browser has neither keys nor a menu", async () => {
  const { commands, contextMenus } = chrome;
  const before = heard["taken"]?.length ?? 0;
  Reflect.deleteProperty(chrome, "commands");
  Reflect.deleteProperty(chrome, "contextMenus");
  const [{ start }, { shortcutOf }] = [
    await import("../../src/background/main"),
    await import("../../src/page"),
  ];
  try {
    start();
    expect(heard["taken"]).toHaveLength(before + 1);
    expect(await shortcutOf()).toBe("");
  } finally {
    Object.assign(chrome, { commands, contextMenus });
  }
});

it("does nothing for a page's script that it does not do for every page's script", async () => {
  const others = ["overview", "history", "look", "pair", "link", "unlink", "adopt", "discard", "refresh"];
  for (const kind of [...others, "granted", "flattr-from-popup", "__proto__", "constructor"]) {
    const reply = await send({ kind, tab: 1, id: "x", thing: { url: "https://a.example/1" } }, page);
    expect(reply, kind).toEqual({ ok: true, value: undefined });
  }
  expect([...shelf.items.keys()].filter((key) => key.startsWith("out:"))).toEqual([]);
});

it.each([null, 7, "found", [], { kind: "flattr" }, { kind: "flattr", thing: null }, { kind: "undo" }])(
  "answers %j and goes on",
  async (message) => {
    expect(await send(message, page)).not.toMatchObject({ value: { click: expect.anything() as unknown } });
  },
);

it("hears nobody who is not of this extension, and none of its own without a tab", () => {
  const question = { kind: "overview" };
  expect(send(question, { ...page, id: "other" })).toBe(false);
  expect(send(question, { id: "own", url: "https://a.example/" })).toBe(false);
  expect(send(question, { id: "own", url: "chrome-extension://own.evil.example/" })).toBe(false);
});

it("lets no page have clicks made faster than a person makes them", async () => {
  const replies = await Promise.all(
    Array.from({ length: 30 }, (_, index) => {
      const thing = { url: `https://fast.example/${index}` };
      return send({ kind: "flattr", thing, form: "js-a-rev" }, { ...page, tab: { id: 8 } });
    }),
  );
  const refused = replies.filter((reply) => (reply as { code?: string }).code === "too_fast");
  expect(refused.length).toBeGreaterThanOrEqual(9);
});

it("says that a page is nothing to flattr, where a key or the menu was meant for it", async () => {
  heard["command"]?.[0]?.("flattr-page", { id: 9, url: "https://flattr.com/", title: "Flattr" });
  await expect.poll(() => shown).toContainEqual({ tabId: 9, text: "!" });
  shown = [];
  heard["menu"]?.[0]?.({ menuItemId: "link", linkUrl: "https://flattr.com/thing/new" }, { id: 9 });
  await expect.poll(() => shown).toContainEqual({ tabId: 9, text: "!" });
});

it("says on the toolbar's button what became of a click by a key", async () => {
  const tab = { id: 9, url: "https://a.example/page", title: "A page" };
  const press = async (): Promise<void> => {
    heard["command"]?.[0]?.("flattr-page", tab);
    await expect.poll(() => shown.length).toBeGreaterThan(1);
  };
  shelf.full = true;
  await press();
  expect(shown).toContainEqual({ tabId: 9, text: "!" });
  expect(JSON.stringify(shown)).toContain("This browser has no room left for more clicks.");
  shelf.full = false;
  shown = [];
  await press();
  expect(shown).toContainEqual({ tabId: 9, text: "✓" });
  expect(shown).toContainEqual({ tabId: 9, title: "Flattred." });
});
