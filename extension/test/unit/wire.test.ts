// The messages: the golden files that the companion's tests read too, and types that are not older than their schema.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { flattr, undo } from "../../src/background/clicks";
import { Month } from "../../src/background/month";
import { Outbox } from "../../src/background/outbox";
import { readMessage } from "../../src/background/session";
import { readTicket } from "../../src/protocol/ticket";
import { type Flattr, LIMITS, type Status, type TicketAnswer, type Undo } from "../../src/wire.gen";
import { MapShelf } from "./shelf";

const golden = new URL("../../../daemon/wire/testdata/", import.meta.url);
const extension = new URL("../../", import.meta.url);

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, golden), "utf8")) as T;
}

describe("messages of the companion", () => {
  const files = readdirSync(golden).filter((name) => name.startsWith("companion-"));

  it("are many", () => expect(files.length).toBeGreaterThan(10));

  it.each(files)("%s is understood", (name) => {
    const text = readFileSync(new URL(name, golden), "utf8");
    expect(readMessage(text)).toEqual(JSON.parse(text));
  });

  it.each([
    "",
    "null",
    "[]",
    "1",
    '"ack"',
    "{}",
    '{"type":1}',
    '{"type":"dance"}',
    '{"type":"ack","id":7}',
    '{"type":"status","months":null,"problems":[]}',
    '{"type":"month","id":"1"}',
  ])("%s is none", (text) => {
    expect(readMessage(text)).toBeUndefined();
  });

  it("include the native host's ticket", () => {
    const answer = read<TicketAnswer>("native-ticket.json");
    expect(readTicket(answer.port, answer.ticket)?.port).toBe(17890);
  });
});

describe("messages of the extension", () => {
  it("are what the companion expects of a click and its undo", async () => {
    const wanted = read<Flattr>("extension-flattr.json");
    const undoing = read<Undo>("extension-undo.json");
    const shelf = new MapShelf();
    const [outbox, month] = [new Outbox(shelf), new Month(shelf)];
    await month.keepStatus(read<Status>("companion-status.json"));
    const { click } = await flattr(outbox, month, wanted.thing, "js-a-rev", {}, Date.parse(wanted.at));
    await undo(outbox, month, click, {}, Date.parse(undoing.at));
    const [first, second] = (await outbox.entries()).map(({ message }) => message);
    expect(first).toEqual({ ...wanted, id: click });
    expect(second).toEqual({ ...undoing, id: second?.id, click });
  });
});

describe("wire.gen.ts", () => {
  it("is what `npm run generate` makes of the schema", { timeout: 30_000 }, async () => {
    const { generate } = (await import(new URL("tools/generate-wire.mjs", extension).href)) as {
      generate: (text: string) => Promise<string>;
    };
    const schema = readFileSync(new URL("wire.schema.json", extension), "utf8");
    expect(readFileSync(new URL("src/wire.gen.ts", extension), "utf8")).toBe(await generate(schema));
  });

  it("knows the port range and the limits", () => {
    expect(LIMITS).toMatchObject({ maxJsonBytes: 16368, maxUnanswered: 8, nativeHost: "org.flattr.pair" });
  });
});
