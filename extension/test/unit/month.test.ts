// The month: what the companion tells of one click and of all clicks comes in any order, and the newest word holds.
import { beforeEach, describe, expect, it } from "vitest";
import { Month } from "../../src/background/month";
import type { ClickRow } from "../../src/wire.gen";
import { MapShelf } from "./shelf";

let month: Month;
let shelf: MapShelf;

function row(id: string, state: ClickRow["state"]): ClickRow {
  const at = "2026-11-03T12:00:00Z";
  const url = `https://a.example/${id}`;
  return { id, state, month: "2026-11", at, thing: { url }, url, undoable: true };
}

const known = async () => (await month.rows()).map(({ id, state }) => `${id} ${state}`);

beforeEach(() => {
  shelf = new MapShelf();
  month = new Month(shelf);
});

describe("Month", () => {
  it("keeps a click that was made while all clicks were asked for", async () => {
    const asked = month.asking();
    await month.keepRow(row("new", "waiting")); // acknowledged after the companion had read its rows
    await month.keepRows([row("old", "accepted")], asked);
    expect(await known()).toEqual(["new waiting", "old accepted"]);
    expect(JSON.parse(shelf.items.get("rows") ?? "[]")).toHaveLength(2);
  });

  it("keeps what was told of a click after all clicks were asked for", async () => {
    await month.keepRow(row("one", "waiting"));
    const asked = month.asking();
    await month.keepRow(row("one", "accepted"));
    await month.keepRows([row("one", "waiting")], asked);
    expect(await known()).toEqual(["one accepted"]);
  });

  it("takes the answer where nothing was told meanwhile", async () => {
    await month.keepRow(row("gone", "waiting"));
    await month.keepRow(row("one", "waiting"));
    await month.keepRows([row("one", "accepted")], month.asking());
    expect(await known()).toEqual(["one accepted"]);
  });
});
