// Where a reader stands with a thing, the toolbar's face, and how fast a tab may click.

import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/background/outbox";
import { RateLimit } from "../../src/background/ratelimit";
import { standingOf } from "../../src/background/standing";
import { Tabs } from "../../src/background/tabs";
import { badgeOf, describe as describeTab, faceOf } from "../../src/background/toolbar";
import type { ClickRow, Thing } from "../../src/wire.gen";
import { speak } from "./chrome";

const NOW = "2026-11-03T12:00:00.000Z";
const thing: Thing = { url: "https://www.a.example/1" };

function row(fields: Partial<ClickRow>): ClickRow {
  const same: Thing = { url: "http://a.example/1" };
  return { id: "c1", state: "accepted", month: "2026-11", at: NOW, thing: same, undoable: true, ...fields };
}

function kept(fields: Partial<Entry> = {}, at = NOW): Entry {
  return { message: { type: "flattr", id: "c1", thing, at }, ...fields };
}

describe("standingOf", () => {
  it("is free without a click", () => {
    expect(standingOf(thing, [], [], NOW)).toEqual({ standing: "free" });
    expect(standingOf(thing, [], [row({ thing: { url: "https://a.example/2" } })], NOW).standing).toBe(
      "free",
    );
  });

  it("knows the thing by its key, its number and its canonical address", () => {
    expect(standingOf(thing, [], [row({})], NOW)).toMatchObject({ standing: "flattred", click: "c1" });
    expect(standingOf({ id: "42" }, [], [row({ thing: { id: "42" } })], NOW).standing).toBe("flattred");
    const canonical = row({ thing: { id: "42" }, url: "https://a.example/1" });
    expect(standingOf(thing, [], [canonical], NOW).standing).toBe("flattred");
  });

  it("reads a click's address once, however many buttons ask", () => {
    let reads = 0;
    const counted = row({});
    Object.defineProperty(counted, "thing", {
      get: () => {
        reads++;
        return { url: "https://b.example/1" };
      },
    });
    for (let number = 0; number < 20; number++) standingOf(thing, [], [counted], NOW);
    expect(reads).toBe(1);
  });

  it("learns from a repeated click of one made in another browser", () => {
    const before = "2026-11-02T08:00:00.000Z";
    const code = "duplicate";
    const repeat = row({ state: "refused", code, counts: "c0", countsAt: before, undoable: false });
    expect(standingOf(thing, [], [repeat], NOW)).toEqual({
      standing: "flattred",
      click: "c0",
      at: before,
      code: "duplicate",
      undoable: false,
    });
    const undo: Entry = { message: { type: "undo", id: "u1", click: "c0", at: NOW } };
    expect(standingOf(thing, [undo], [repeat], NOW).standing).toBe("free");
    expect(standingOf(thing, [], [repeat, row({ id: "c0", state: "undone" })], NOW).standing).toBe("free");
    expect(standingOf(thing, [], [repeat, row({ id: "c0" })], NOW)).toMatchObject({ click: "c0", at: NOW });
  });

  it("counts this month only", () => {
    expect(standingOf(thing, [], [row({ month: "2026-10" })], NOW).standing).toBe("free");
    expect(standingOf(thing, [kept({}, "2026-10-31T23:59:59.000Z")], [], NOW).standing).toBe("free");
  });

  it("prefers what is kept here, with the reason", () => {
    const stand = standingOf(thing, [kept({ code: "not_linked" })], [row({ id: "c0" })], NOW);
    expect(stand).toMatchObject({ standing: "kept", click: "c1", code: "not_linked", undoable: true });
  });

  it("is free again when an undo waits here, or has been counted", () => {
    const undo: Entry = { message: { type: "undo", id: "u1", click: "c1", at: NOW } };
    expect(standingOf(thing, [kept(), undo], [], NOW).standing).toBe("free");
    expect(standingOf(thing, [undo], [row({})], NOW).standing).toBe("free");
    expect(standingOf(thing, [], [row({ state: "undone" })], NOW).standing).toBe("free");
  });

  it("says why the ledger refused, and looks past a duplicate", () => {
    const refused = row({ state: "refused", code: "no_means" });
    expect(standingOf(thing, [], [refused], NOW)).toMatchObject({ standing: "refused", undoable: false });
    const duplicate = row({ id: "c2", state: "refused", code: "duplicate" });
    expect(standingOf(thing, [], [duplicate, row({})], NOW)).toMatchObject({
      standing: "flattred",
      click: "c1",
    });
  });
});

describe("faceOf", () => {
  it.each([
    ["unpaired", ["free"], "unpaired"],
    ["unknown", [], "unpaired"],
    ["away", ["flattred"], "away"],
    ["other_program", [], "away"],
    ["up", [], "idle"],
    ["idle", ["free", "refused"], "found"],
    ["up", ["free", "flattred"], "flattred"],
    ["up", ["flattred", "waiting"], "waiting"],
    ["closed", ["kept"], "waiting"],
  ] as const)("%s with %j is %s", (link, standings, face) => {
    expect(faceOf(link, standings)).toBe(face);
  });

  it("says in words that a click was refused", () => {
    speak("en");
    expect(describeTab("found", ["free"])).not.toContain("not counted");
    expect(describeTab("found", ["refused"])).toContain("not counted");
  });

  it("counts on the badge up to 99", () => {
    expect([0, 1, 99, 100].map(badgeOf)).toEqual(["", "1", "99", "99+"]);
  });
});

describe("Tabs", () => {
  it("counts a thing in two frames once, and forgets the page before", () => {
    const tabs = new Tabs();
    tabs.put(1, 0, [{ thing, form: "js-a-rev" }], true);
    tabs.put(1, 7, [{ thing: { url: "http://a.example/1" }, form: "link-submit-auto" }], true);
    expect(tabs.things(1)).toHaveLength(1);
    tabs.put(1, 0, [], true);
    expect(tabs.things(1)).toHaveLength(0);
  });
});

describe("RateLimit", () => {
  it("lets a burst pass, then two clicks a second, for each tab by itself", () => {
    const limit = new RateLimit();
    const passed = Array.from({ length: 30 }, () => limit.take(1, 1000)).filter(Boolean).length;
    expect(passed).toBe(20);
    expect(limit.take(2, 1000)).toBe(true);
    expect([limit.take(1, 1499), limit.take(1, 1500), limit.take(1, 1500)]).toEqual([false, true, false]);
  });
});
