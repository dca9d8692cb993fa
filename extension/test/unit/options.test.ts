// What the options page hands out and what the menu offers: a file that calculates nothing, things and nothing but things.
import { describe, expect, it } from "vitest";
import { readHistory } from "../../src/background/history";
import { chosenThing, linkPatterns } from "../../src/background/menu";
import { csvOf } from "../../src/options/csv";
import { DialError } from "../../src/protocol/dial";
import { thingOfPage } from "../../src/thing/subject";
import type { ClickRow } from "../../src/wire.gen";

function row(fields: Partial<ClickRow> = {}): ClickRow {
  return {
    id: "c1",
    state: "accepted",
    month: "2026-11",
    at: "2026-11-03T12:00:00.000Z",
    thing: { url: "https://a.example/1" },
    undoable: true,
    ...fields,
  };
}

describe("the history as CSV", () => {
  it("is what RFC 4180 asks for: quoted fields, quotes doubled, lines ended by CR LF", () => {
    const csv = csvOf([row({ title: 'A "good" bed,\r\nand a chair', promise: true })]);
    expect(csv).toBe(
      '"id","time","month","state","code","promise","title","url"\r\n' +
        '"c1","2026-11-03T12:00:00.000Z","2026-11","accepted","","1","A ""good"" bed,\r\nand a chair","https://a.example/1"\r\n',
    );
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|cmd", "%0A=1"])(
    "defuses %j, which a spreadsheet would calculate",
    (title) => {
      expect(csvOf([row({ title })])).toContain(`,"'${title}",`);
    },
  );

  it.each([
    ["a;=1+1;b", "a;'=1+1;b"],
    ["a\n=1+1", "a\n'=1+1"],
    ['a";=1', `a"";'=1`],
    ['a;"=1', `a;'""=1`],
  ])("defuses %j, where semicolons part the fields", (title, field) => {
    expect(csvOf([row({ title })])).toContain(`,"${field}",`);
  });

  it("leaves other texts as they are, in every script", () => {
    expect(csvOf([row({ title: "Über 1+1 = 2, 感謝" })])).toContain(',"Über 1+1 = 2, 感謝",');
  });

  it("is a header alone where there are no clicks", () => {
    expect(csvOf([])).toBe('"id","time","month","state","code","promise","title","url"\r\n');
  });
});

describe("the menu", () => {
  it("is offered over links of Flattr and of the reader's ledger only", () => {
    expect(linkPatterns("ledger.example:8443")).toContain("*://ledger.example/t/*");
    expect(linkPatterns(undefined).every((pattern) => /^\*:\/\/(www\.)?flattr\.com\//.test(pattern))).toBe(
      true,
    );
    expect(linkPatterns("[::1]:80").some((pattern) => pattern.includes("::1"))).toBe(false);
  });

  it.each([
    ["https://flattr.com/thing/42/Bed", { id: "42" }],
    ["https://flattr.com/t/42", { id: "42" }],
    [
      "https://flattr.com/submit/auto?user_id=ann&url=https%3A%2F%2Fa.example%2F1",
      { url: "https://a.example/1", owner: "ann" },
    ],
    ["https://flattr.com/terms", undefined],
    ["https://flattr.com.evil.example/t/42", undefined],
    ["https://a.example/t/42", undefined],
  ])("takes from %s what it points to", (linkUrl, thing) => {
    const info = { menuItemId: "link", linkUrl, pageUrl: "https://a.example/" };
    const chosen = chosenThing(info, "A page", undefined);
    if (thing === undefined) expect(chosen).toBeUndefined();
    else expect(chosen).toMatchObject(thing);
  });

  it("takes a page without its fragment", () => {
    const info = { menuItemId: "page", pageUrl: "https://a.example/1#part" };
    expect(chosenThing(info, " A  page ", undefined)).toEqual({
      url: "https://a.example/1",
      title: "A page",
    });
  });

  it("knows only its own items", () => {
    expect(
      chosenThing({ menuItemId: "other", pageUrl: "https://a.example/" }, "", undefined),
    ).toBeUndefined();
  });
});

describe("a page of Flattr's own", () => {
  it("stands for the one thing it is about", () => {
    expect(thingOfPage("https://flattr.com/thing/42/Bed", "Bed - Flattr", undefined)).toMatchObject({
      id: "42",
    });
    expect(thingOfPage("https://ledger.example/t/42", "Bed", "ledger.example")).toMatchObject({ id: "42" });
  });

  it("is no thing itself", () => {
    expect(thingOfPage("https://ledger.example/month", "Month", "ledger.example")).toBeUndefined();
    expect(thingOfPage("https://flattr.com/", "Flattr", undefined)).toBeUndefined();
  });
});

describe("reading the history", () => {
  const known = [row({ id: "known" })];
  const month = { rows: async () => known } as never;
  const companion = (answer: () => Promise<unknown>) => ({ connect: async () => ({ ask: answer }) }) as never;

  it("goes on from page to page", async () => {
    const page = { type: "history", id: "1", rows: [row()], cursor: "7" };
    expect(
      await readHistory(
        companion(async () => page),
        month,
        undefined,
      ),
    ).toEqual({
      rows: page.rows,
      whole: true,
      cursor: "7",
    });
  });

  it("tells what this browser remembers while the companion is away, and says so", async () => {
    const away = companion(() => Promise.reject(new DialError("away")));
    expect(await readHistory(away, month, undefined)).toEqual({ rows: known, whole: false });
    expect(await readHistory(away, month, "7")).toEqual({ rows: [], whole: false });
  });
});
