// Delivery: an event leaves the outbox when the companion has stored it, in order, and never otherwise.
import { randomBytes } from "node:crypto";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { ClickError, flattr, readFound, undo } from "../../src/background/clicks";
import { Delivery, Refused } from "../../src/background/delivery";
import { Month } from "../../src/background/month";
import { Outbox } from "../../src/background/outbox";
import { Session } from "../../src/background/session";
import { standingOf } from "../../src/background/standing";
import { dial } from "../../src/protocol/dial";
import { importSecret } from "../../src/protocol/handshake";
import type { Ack, ClickRow, Nack, Status } from "../../src/wire.gen";
import { TestCompanion } from "./companion";
import { MapShelf } from "./shelf";

const secret = randomBytes(32);
const NOW = Date.UTC(2026, 10, 3, 12);
let companion: TestCompanion;
let shelf: MapShelf;
let outbox: Outbox;
let month: Month;
let refused: Refused;
let told: string[];
let delivery: Delivery;

async function connect(): Promise<Session> {
  let session: Session | undefined;
  const key = await importSecret(new Uint8Array(secret));
  const channel = await dial(
    { port: companion.port, origin: companion.origin, kind: "device", id: new Uint8Array(32), secret: key },
    (message) => session?.receive(message),
  );
  session = new Session(channel, () => {});
  return session;
}

function make(): void {
  outbox = new Outbox(shelf);
  month = new Month(shelf);
  refused = new Refused(shelf);
  delivery = new Delivery(outbox, refused, connect, month, async (_, fate: Ack | Nack) => {
    told.push(fate.type === "ack" ? `ack ${fate.state}` : `nack ${fate.code}`);
  });
}

async function click(number: number): Promise<string> {
  const thing = { url: `https://a.example/${number}`, title: `Thing ${number}` };
  return (await flattr(outbox, month, thing, "js-a-rev", { tab: 1, frame: 0 }, NOW + number)).click;
}

const kept = async () => (await outbox.entries()).map(({ message }) => message.id);

beforeAll(() => {
  Object.assign(globalThis, { WebSocket });
});

beforeEach(async () => {
  companion = await TestCompanion.start(secret);
  shelf = new MapShelf();
  told = [];
  make();
});

afterEach(() => companion.stop());

describe("Delivery", () => {
  it("sends in the order of clicks and forgets what is acknowledged", async () => {
    companion.answer = ({ id }) => ({ type: "ack", id, state: "waiting" });
    const ids = [await click(1), await click(2), await click(3)];
    await delivery.run();
    expect(companion.heard.map((text) => (JSON.parse(text) as { id: string }).id)).toEqual(ids);
    expect(await kept()).toEqual([]);
    expect((await month.rows()).map(({ id, state }) => `${id} ${state}`)).toEqual(
      [...ids].reverse().map((id) => `${id} waiting`),
    );
    expect(told).toEqual(["ack waiting", "ack waiting", "ack waiting"]);
  });

  it("keeps a click until its ack, through a lost connection and a stopped background", async () => {
    const id = await click(1);
    companion.answer = () => {
      // Sent, but not acknowledged: the companion was killed before COMMIT.
      void companion.stop();
      return undefined;
    };
    await delivery.run();
    expect(await kept()).toEqual([id]);
    companion = await TestCompanion.start(secret);
    companion.answer = ({ id: asked }) => ({ type: "ack", id: asked, state: "waiting" });
    make(); // the background starts again from the store
    await delivery.run();
    expect(companion.heard).toHaveLength(1);
    expect(await kept()).toEqual([]);
  });

  it("knows no less of a click that is sent a second time", async () => {
    const id = await click(1);
    const at = new Date(NOW).toISOString();
    const thing = { url: "https://a.example/1" };
    const full = { id, state: "waiting", month: "2026-11", at, thing, undoable: true } as const;
    await month.keepRow({ ...full, thingId: "77", url: "https://a.example/canonical" });
    companion.answer = ({ id: asked }) => ({ type: "ack", id: asked, state: "waiting" });
    await delivery.run();
    expect(await month.rows()).toMatchObject([{ id, thingId: "77", url: "https://a.example/canonical" }]);
  });

  it("lets the ledger's word stand that came right after the ack", async () => {
    companion.answer = ({ id }) => ({ type: "ack", id, state: "waiting" });
    const id = await click(1);
    const accepted: ClickRow = {
      id,
      state: "accepted",
      month: "2026-11",
      at: new Date(NOW).toISOString(),
      thing: {},
      undoable: true,
    };
    delivery = new Delivery(outbox, refused, connect, month, () => month.keepRow(accepted));
    await delivery.run();
    expect(await kept()).toEqual([]);
    expect((await month.rows()).map(({ state }) => state)).toEqual(["accepted"]);
  });

  it("keeps everything while nobody is there", async () => {
    await companion.stop();
    const ids = [await click(1), await click(2)];
    await delivery.run();
    expect(await kept()).toEqual(ids);
    companion = await TestCompanion.start(secret);
  });

  it("stops at what the companion cannot take now, and notes why", async () => {
    companion.answer = ({ id }) => ({
      type: "nack",
      id,
      code: "not_linked",
      sentence: "Sign in.",
      retry: true,
    });
    const ids = [await click(1), await click(2)];
    await delivery.run();
    expect(companion.heard).toHaveLength(1);
    expect(await kept()).toEqual(ids);
    expect((await outbox.entries()).map(({ code }) => code)).toEqual(["not_linked", undefined]);
  });

  it("passes over what was clicked for another account", async () => {
    const ids = [await click(1), await click(2)];
    companion.answer = ({ id }) =>
      id === ids[0]
        ? { type: "nack", id, code: "other_account", sentence: "For bob.", retry: true }
        : { type: "ack", id, state: "waiting" };
    await delivery.run();
    expect(await kept()).toEqual([ids[0]]);
  });

  it("shows what the companion never takes, and goes on", async () => {
    const ids = [await click(1), await click(2)];
    companion.answer = ({ id }) =>
      id === ids[0]
        ? { type: "problem", id, code: "bad_message", sentence: "Unreadable." }
        : { type: "ack", id, state: "waiting" };
    await delivery.run();
    expect(await kept()).toEqual([]);
    expect(await refused.list()).toMatchObject([{ id: ids[0], title: "Thing 1", code: "bad_message" }]);
  });

  it("is not held up by a refusal that a full store has no room for", async () => {
    const ids = [await click(1), await click(2)];
    companion.answer = ({ id }) =>
      id === ids[0]
        ? { type: "nack", id, code: "bad_thing", sentence: "None.", retry: false }
        : { type: "ack", id, state: "waiting" };
    shelf.full = true;
    await delivery.run();
    expect(await kept()).toEqual([ids[0]]);
    shelf.full = false;
    await delivery.run();
    expect(await kept()).toEqual([]);
    expect(await refused.list()).toMatchObject([{ id: ids[0], code: "bad_thing" }]);
  });

  it("keeps a refusal that comes while the reader dismisses another", async () => {
    const view = (id: string) => ({
      id,
      title: id,
      at: new Date(NOW).toISOString(),
      code: "x",
      sentence: "",
    });
    await refused.add(view("old"));
    await Promise.all([refused.add(view("new")), refused.remove("old")]);
    expect((await refused.list()).map(({ id }) => id)).toEqual(["new"]);
  });

  it("sends an undo after its click", async () => {
    const id = await click(1);
    await undo(outbox, month, id, {}, NOW + 5);
    companion.answer = ({ id: asked, type }) => ({
      type: "ack",
      id: asked,
      state: type === "undo" ? "undone" : "waiting",
    });
    await delivery.run();
    const sent = companion.heard.map((text) => JSON.parse(text) as { type: string; click?: string });
    expect(sent).toMatchObject([{ type: "flattr" }, { type: "undo", click: id }]);
    expect(await month.rows()).toMatchObject([{ id, state: "undone", undoable: false }]);
  });
});

describe("flattr and undo", () => {
  it("is durable when it resolves, and a second click on the same thing is none", async () => {
    const id = await click(1);
    expect([...shelf.items.keys()].filter((key) => key.endsWith(id))).toHaveLength(1);
    const again = await flattr(outbox, month, { url: "http://www.a.example/1" }, "popup", {}, NOW + 9);
    expect(again).toMatchObject({ click: id, standing: "kept", isNew: false });
    expect(await kept()).toEqual([id]);
  });

  it("is one click when a reader clicks twice at once, and one undo", async () => {
    const double = [await Promise.all([click(1), click(1)]), await kept()];
    const [first] = await kept();
    expect(double).toEqual([[first, first], [first]]);
    await Promise.all([1, 2].map((ms) => undo(outbox, month, first ?? "", {}, NOW + ms)));
    expect(await kept()).toHaveLength(2);
  });

  it("names the account it was made for", async () => {
    const account = { id: "7", name: "ann", ledger: "https://ledger.example" };
    const status: Status = {
      type: "status",
      version: "1",
      ledger: account.ledger,
      account,
      months: [],
      meansMicro: 0,
      unsent: 0,
      problems: [],
    };
    await month.keepStatus(status);
    await click(1);
    expect((await outbox.entries())[0]?.message.account).toBe("7");
    expect(await shelf.get()).toMatchObject({ ledger: "ledger.example" });
  });

  it("never stands in the way of a click for one made in another browser", async () => {
    const at = new Date(NOW).toISOString();
    const given = { url: "https://a.example/elsewhere" };
    const repeat = { state: "refused", code: "duplicate", counts: "c0", countsAt: at } as const;
    await month.keepRow({ id: "c1", month: "2026-11", at, thing: given, undoable: false, ...repeat });
    expect(standingOf(given, [], await month.rows(), at)).toMatchObject({
      standing: "flattred",
      undoable: false,
    });
    // It may have been taken back over there: the ledger judges.
    expect(await flattr(outbox, month, given, "js-a-rev", {}, NOW)).toMatchObject({ isNew: true });
  });

  it("takes nothing that names no thing, and undoes only clicks that are known", async () => {
    await expect(flattr(outbox, month, { title: "x" }, "popup", {}, NOW)).rejects.toThrow(ClickError);
    await expect(flattr(outbox, month, { url: "javascript:x" }, "popup", {}, NOW)).rejects.toThrow(
      ClickError,
    );
    await expect(flattr(outbox, month, { id: "1" }, ["popup"] as never, {}, NOW)).rejects.toThrow(ClickError);
    await expect(undo(outbox, month, "nobody", {}, NOW)).rejects.toMatchObject({ code: "not_found" });
  });

  it("takes from what a page's script tells only things, and not too many", () => {
    const form = "js-a-rev";
    const thing = { url: "https://a.example/1" };
    const hostile = [null, 7, { form }, { thing: null, form }, { thing: { url: 7 }, form }, { thing }];
    expect(readFound("x")).toEqual([]);
    expect(readFound([...hostile, { thing: { ...thing, extra: "x" }, form }])).toEqual([{ thing, form }]);
    expect(readFound(Array.from({ length: 5000 }, () => ({ thing, form })))).toHaveLength(300);
    expect(readFound([{ thing: { ...thing, description: "x".repeat(1_000_000) }, form }])).toEqual([]);
    const named = JSON.parse('{"__proto__": {"url": "https://a.example/2"}, "constructor": 1}') as unknown;
    expect(readFound([{ thing: named, form }])).toEqual([]);
  });

  it("sends no second undo of what is undone", async () => {
    const at = new Date(NOW).toISOString();
    const thing = { url: "https://a.example/1" };
    await month.keepRow({ id: "c1", state: "undone", month: "2026-11", at, thing, undoable: false });
    await undo(outbox, month, "c1", {}, NOW);
    expect(await kept()).toEqual([]);
  });

  it("can be flattred again after undo", async () => {
    const id = await click(1);
    await undo(outbox, month, id, {}, NOW + 1);
    await undo(outbox, month, id, {}, NOW + 2); // once is enough
    expect(await click(1)).not.toBe(id);
    expect(await kept()).toHaveLength(3);
  });
});
