// The outbox: durable before anybody is told, in order, and forgotten only on purpose.
import { describe, expect, it } from "vitest";
import { type Entry, Outbox, OutboxError } from "../../src/background/outbox";
import { uuidv7 } from "../../src/background/uuid";
import { MapShelf } from "./shelf";

function click(number: number, title = `Thing ${number}`): Entry {
  const at = new Date(Date.UTC(2026, 10, 3, 12, 0, number)).toISOString();
  const id = `0193a0b4-7c00-7000-8000-${String(number).padStart(12, "0")}`;
  return { message: { type: "flattr", id, thing: { url: `https://a.example/${number}`, title }, at } };
}

describe("Outbox", () => {
  it("writes before it resolves, one key an event, in the order of calls", async () => {
    const shelf = new MapShelf();
    const outbox = new Outbox(shelf);
    await Promise.all(Array.from({ length: 12 }, (_, number) => outbox.append(click(number))));
    const keys = [...shelf.items.keys()].sort();
    expect(keys).toHaveLength(12);
    expect(keys[0]).toBe(`out:000000000000:${click(0).message.id}`);
    expect(keys[11]).toBe(`out:000000000011:${click(11).message.id}`);
    expect((await outbox.entries()).map(({ message }) => message.id)).toEqual(
      Array.from({ length: 12 }, (_, number) => click(number).message.id),
    );
  });

  it("is found again, and goes on counting, after the background was stopped", async () => {
    const shelf = new MapShelf();
    const before = new Outbox(shelf);
    await before.append(click(1));
    await before.append(click(2));
    await before.remove(click(1).message.id);
    const after = new Outbox(shelf);
    expect(await after.entries()).toEqual([click(2)]);
    await after.append(click(3));
    expect([...shelf.items.keys()].sort().at(-1)).toBe(`out:000000000002:${click(3).message.id}`);
  });

  it("keeps the place of an event whose reason is noted", async () => {
    const shelf = new MapShelf();
    const outbox = new Outbox(shelf);
    await outbox.append(click(1));
    await outbox.append(click(2));
    await outbox.replace(click(1).message.id, (entry) => ({ ...entry, code: "not_linked" }));
    const again = await new Outbox(shelf).entries();
    expect(again.map(({ code }) => code)).toEqual(["not_linked", undefined]);
  });

  it("refuses what fits no frame, and keeps nothing of it", async () => {
    const shelf = new MapShelf();
    const outbox = new Outbox(shelf);
    await expect(outbox.append(click(1, "x".repeat(17_000)))).rejects.toMatchObject({ code: "too_large" });
    expect(shelf.items.size).toBe(0);
  });

  it("says that the store is full, and takes clicks again when it is not", async () => {
    const shelf = new MapShelf();
    const outbox = new Outbox(shelf);
    shelf.full = true;
    await expect(outbox.append(click(1))).rejects.toThrow(OutboxError);
    expect(await outbox.entries()).toEqual([]);
    shelf.full = false;
    await outbox.append(click(1));
    expect(await outbox.entries()).toHaveLength(1);
  });

  it("takes two thousand events and no more", async () => {
    const shelf = new MapShelf();
    for (let number = 0; number < 2000; number++) {
      await shelf.set({
        [`out:${String(number).padStart(12, "0")}:${click(number).message.id}`]: click(number),
      });
    }
    await expect(new Outbox(shelf).append(click(2000))).rejects.toMatchObject({ code: "storage_full" });
  });

  it("reads the store when it is asked, and once more after that failed", async () => {
    let reads = 0;
    const failing = new MapShelf();
    failing.get = async () => {
      if (++reads === 1) throw new Error("disk");
      return {};
    };
    const late = new Outbox(failing);
    expect(reads).toBe(0);
    await expect(late.entries()).rejects.toThrow("disk");
    expect(await late.entries()).toEqual([]);
    await late.entries();
    expect(reads).toBe(2);
  });

  it("leaves other keys of the store alone", async () => {
    const shelf = new MapShelf();
    await shelf.set({ status: { type: "status" }, ledger: "a.example" });
    expect(await new Outbox(shelf).entries()).toEqual([]);
  });
});

describe("uuidv7", () => {
  it("has version, variant and time, and sorts by it", () => {
    const random = new Uint8Array(10).fill(0xff);
    const id = uuidv7(Date.UTC(2026, 10, 3), random);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(Date.UTC(2026, 10, 3));
    expect(uuidv7(2, new Uint8Array(10)) > uuidv7(1, random)).toBe(true);
  });
});
