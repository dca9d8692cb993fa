// What the page of a click is told: its worth, but none where the author is not known.
import { beforeEach, describe, expect, it } from "vitest";
import { Echo } from "../../src/background/echo";
import { Month } from "../../src/background/month";
import type { Entry } from "../../src/background/outbox";
import type { ToContent } from "../../src/messages";
import type { ClickRow, Status } from "../../src/wire.gen";
import { MapShelf } from "./shelf";

const AT = "2026-11-03T12:00:00.000Z";
const thing = { url: "https://a.example/1" };
const row: ClickRow = { id: "c1", state: "accepted", month: "2026-11", at: AT, thing, undoable: true };
const running = {
  month: "2026-11",
  state: "running",
  budgetMicro: 2_000_000,
  clicks: 4,
  promises: 1,
  shareMicro: 500_000,
};
const status: Status = {
  type: "status",
  version: "1",
  ledger: "https://ledger.example",
  months: [running],
  meansMicro: 0,
  unsent: 0,
  problems: [],
};
const entry = { message: { type: "flattr", id: "c1", thing, at: AT }, tab: 7, frame: 0 } as unknown as Entry;

let told: ToContent[];

async function settle(clicked: ClickRow): Promise<ToContent | undefined> {
  const month = new Month(new MapShelf());
  await month.keepStatus(status);
  await month.keepRow(clicked);
  const echo = new Echo(month, async () => "up");
  echo.remember(entry);
  await echo.settle("c1", { standing: "flattred" });
  return told[0];
}

beforeEach(() => {
  told = [];
  const tabs = { sendMessage: async (_tab: number, message: ToContent) => told.push(message) };
  Object.assign(globalThis.chrome, { tabs });
});

describe("the page of a click", () => {
  it("is told what the click is worth", async () => {
    expect(await settle(row)).toMatchObject({ view: { standing: "flattred", shareMicro: 500_000 } });
  });

  it("is told by its document, and not by its frame, where the browser names documents", async () => {
    const to: unknown[] = [];
    const sendMessage = async (...[, , options]: unknown[]) => to.push(options);
    Object.assign(globalThis.chrome, { tabs: { sendMessage } });
    const echo = new Echo(new Month(new MapShelf()), async () => "up");
    echo.remember({ ...entry, document: "D1" });
    echo.remember({ message: { type: "undo", id: "u1", click: "c1", at: AT } }); // made in the popup
    await echo.settle("c1", { standing: "free" });
    expect(to).toEqual([{ documentId: "D1" }]);
  });

  it("is told of no worth while nobody has claimed the thing", async () => {
    const message = await settle({ ...row, promise: true });
    expect(message).toMatchObject({ view: { standing: "flattred", promise: true } });
    expect(JSON.stringify(message)).not.toContain("shareMicro");
  });

  it("is told once why a click waits, however often delivery is tried", async () => {
    const echo = new Echo(new Month(new MapShelf()), async () => "up");
    for (const code of ["not_linked", "not_linked", "busy"]) {
      echo.remember(entry);
      await echo.settle("c1", { standing: "kept", code });
    }
    expect(told.map((message) => message.kind === "settled" && message.view.code)).toEqual([
      "not_linked",
      "busy",
    ]);
  });
});
