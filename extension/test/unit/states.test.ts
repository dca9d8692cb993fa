// What frames are told: each of its own things only, and only when something has changed.
import { beforeEach, expect, it } from "vitest";
import { Month } from "../../src/background/month";
import { Outbox } from "../../src/background/outbox";
import { States, stopPages } from "../../src/background/states";
import { Tabs } from "../../src/background/tabs";
import type { ClickRow, Thing } from "../../src/wire.gen";
import { MapShelf } from "./shelf";

const now = new Date().toISOString();
const one: Thing = { url: "https://a.example/1" };
const two: Thing = { url: "https://a.example/2" };
let told: [number, unknown, unknown][];
let tabs: Tabs;
let month: Month;
let states: States;

beforeEach(() => {
  told = [];
  Object.assign(chrome, {
    tabs: {
      sendMessage: async (tab: number, message: unknown, to: unknown) => void told.push([tab, message, to]),
      query: async () => [{ id: 1 }, {}, { id: 2 }],
    },
  });
  const shelf = new MapShelf();
  tabs = new Tabs();
  month = new Month(shelf);
  states = new States(new Outbox(shelf), month, tabs);
});

function row(fields: Partial<ClickRow>): ClickRow {
  return {
    id: "c1",
    state: "accepted",
    month: now.slice(0, 7),
    at: now,
    thing: one,
    undoable: true,
    ...fields,
  };
}

it("answers a frame with what is not free, by the names it knows", async () => {
  tabs.put(1, 0, [{ thing: one, form: "js-a-rev" }], true);
  tabs.put(1, 5, [{ thing: two, form: "js-a-rev" }], false);
  await month.keepRow(row({}));
  expect(await states.of(1, 0)).toMatchObject([
    { names: ["url a.example/1"], standing: "flattred", click: "c1" },
  ]);
  expect(await states.of(1, 5)).toEqual([]);
});

it("pushes to a frame what is new for it, and nothing twice", async () => {
  tabs.put(1, 0, [{ thing: one, form: "js-a-rev" }], true);
  tabs.put(2, 0, [{ thing: two, form: "js-a-rev" }], true);
  await states.of(1, 0);
  await states.of(2, 0);
  await month.keepRow(row({ state: "waiting" }));
  await states.push();
  await states.push();
  expect(told).toMatchObject([[1, { kind: "states", states: [{ standing: "waiting" }] }, { frameId: 0 }]]);
});

it("tells the document that told, not one that has come into its frame since", async () => {
  tabs.put(1, 0, [{ thing: one, form: "js-a-rev" }], true, "D1");
  await month.keepRow(row({}));
  await states.push();
  expect(told).toMatchObject([[1, { kind: "states" }, { documentId: "D1" }]]);
  expect(told[0]?.[2]).not.toHaveProperty("frameId");
});

it("is not held up by a browser that will not send", async () => {
  const sendMessage = (): never => {
    throw new TypeError("unexpected property");
  };
  Object.assign(chrome, { tabs: { sendMessage } });
  tabs.put(1, 0, [{ thing: one, form: "js-a-rev" }], true, "D1");
  await month.keepRow(row({}));
  await expect(states.push()).resolves.toBeUndefined();
});

it("has every page restored when the reader takes the permission back", async () => {
  await stopPages();
  expect(told.map(([tab, message]) => [tab, message])).toEqual([
    [1, { kind: "stop" }],
    [2, { kind: "stop" }],
  ]);
});
