// The popup's parts, rendered in every state: each says what it means and the next step, and axe finds nothing.
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Overview } from "../../src/messages";
import { fillWords } from "../../src/page";
import type { Acts } from "../../src/popup/main";
import { showMonth } from "../../src/popup/month";
import { showNotice } from "../../src/popup/notice";
import { showPage } from "../../src/popup/page";
import { showRecent } from "../../src/popup/recent";
import { showUnsent } from "../../src/popup/unsent";
import type { ClickRow, Status } from "../../src/wire.gen";
import { audit, openPage } from "./axe";
import { speak } from "./chrome";

const html = readFileSync(new URL("../../static/popup.html", import.meta.url), "utf8");
const NOW = Date.UTC(2026, 10, 22, 12);
const AT = "2026-11-03T12:00:00.000Z";
const account = { id: "7", name: "ann", ledger: "https://ledger.example" };

let asked: string[];
const acts: Acts = {
  flattr: (thing) => asked.push(`flattr ${thing.url}`),
  undo: (click) => asked.push(`undo ${click}`),
  adopt: (id) => asked.push(`adopt ${id}`),
  discard: (id) => asked.push(`discard ${id}`),
  signIn: () => asked.push("signIn"),
  setUp: () => asked.push("setUp"),
  checkAgain: () => asked.push("checkAgain"),
  allow: () => asked.push("allow"),
};

function status(fields: Partial<Status> = {}): Status {
  return {
    type: "status",
    version: "1",
    ledger: account.ledger,
    account,
    months: [
      {
        month: "2026-11",
        state: "running",
        budgetMicro: 2_000_000,
        clicks: 10,
        promises: 0,
        shareMicro: 200_000,
      },
    ],
    meansMicro: 3_000_000,
    unsent: 0,
    problems: [],
    ...fields,
  };
}

function overview(fields: Partial<Overview> = {}): Overview {
  const nothing = { rows: [], outbox: [], refused: [], undoing: [], things: [] };
  return { link: "up", lasting: true, reading: true, status: status(), ...nothing, ...fields };
}

function row(fields: Partial<ClickRow> = {}): ClickRow {
  const thing = { url: "https://a.example/1" };
  return {
    id: "c1",
    state: "accepted",
    month: "2026-11",
    at: AT,
    title: "Bed",
    thing,
    undoable: true,
    ...fields,
  };
}

const pageState = {
  own: false,
  feed: false,
  readable: true,
  page: { url: "https://a.example/page", title: "Page" },
};

function show(shown: Overview, state: Parameters<typeof showPage>[1] = pageState): string {
  document.body.dataset["state"] = showNotice(shown, acts);
  showPage(shown, state, acts);
  showMonth(shown, NOW);
  showUnsent(shown, acts);
  showRecent(shown, acts);
  return visibleText(document.body);
}

function visibleText(element: Element): string {
  const copy = element.cloneNode(true) as Element;
  for (const hidden of copy.querySelectorAll("[hidden], script")) hidden.remove();
  const texts = [...copy.querySelectorAll("*")].flatMap((part) =>
    [...part.childNodes].filter((node) => node.nodeType === 3).map((node) => node.nodeValue ?? ""),
  );
  return texts.join(" ").replaceAll(/\s+/g, " ").trim();
}

function press(selector: string): void {
  const button = document.querySelector<HTMLButtonElement>(selector);
  if (button === null) throw new Error(`no ${selector} in ${visibleText(document.body)}`);
  button.click();
}

beforeEach(() => {
  asked = [];
  const window = openPage(html);
  Object.assign(globalThis, { document: window.document, window });
  fillWords(document);
});

afterEach(() => speak("en"));

const withoutStatus = (fields: Partial<Overview>): Overview => {
  const { status: _, ...rest } = overview(fields);
  return rest;
};

// Each state of the popup: what it must say, and the button that leads on.
const states: readonly [string, Overview, RegExp, string?, string?][] = [
  [
    "unpaired",
    withoutStatus({ link: "unpaired" }),
    /not connected.*kept here/,
    '[data-action="set-up"]',
    "setUp",
  ],
  ["away", overview({ link: "away" }), /not running.*flattrd start/, '[data-action="check"]', "checkAgain"],
  ["unknown", overview({ link: "unknown" }), /Connect it again/, '[data-action="set-up"]', "setUp"],
  [
    "other_program",
    overview({ link: "other_program" }),
    /Another program/,
    '[data-action="check"]',
    "checkAgain",
  ],
  ["away", overview({ link: "away" }), /not running/, '[data-action="set-up"]', "setUp"],
  ["other_program", overview({ link: "other_program" }), /connect again/, '[data-action="set-up"]', "setUp"],
  ["version", overview({ link: "version" }), /Update both/, '[data-action="check"]', "checkAgain"],
  [
    "ready",
    overview(),
    /Budget €2.00 Clicks 10 A click is worth €0.20 now, changes with every click Days left 9/,
  ],
];

describe.each(["en", "de"])("the popup in %s", (locale) => {
  it.each(states)("%s is named, said and accessible", async (name, shown) => {
    speak(locale);
    fillWords(document);
    show(shown);
    expect(document.body.dataset["state"]).toBe(name);
    expect(visibleText(document.body)).not.toMatch(/[a-z]+[A-Z][a-z]+\b|undefined|\$\d/);
    expect(await audit(document)).toEqual([]);
  });
});

describe("the popup", () => {
  it.each(states)("%s says what it means and leads on", (_, shown, words, selector, act) => {
    expect(show(shown)).toMatch(words);
    if (selector === undefined) return;
    press(selector);
    expect(asked).toEqual([act]);
  });

  it("leads a reader without account to the ledger", () => {
    const { account: _, ...unlinked } = status();
    expect(show(overview({ status: unlinked }))).toMatch(/not signed in at a ledger/);
    expect(document.body.dataset["state"]).toBe("not_linked");
    press('[data-action="sign-in"]');
    expect(asked).toEqual(["signIn"]);
  });

  it("leads a reader without means to the ledger's page", () => {
    const empty = {
      month: "2026-11",
      state: "running",
      budgetMicro: 2_000_000,
      clicks: 0,
      promises: 0,
      shareMicro: 0,
    };
    const shown = overview({ status: status({ meansMicro: 0, lastSync: AT, months: [empty] }) });
    expect(show(shown)).toMatch(/no means left for your budget of €2.00.*Top up/);
    expect(document.querySelector<HTMLAnchorElement>("#notice a")?.href).toBe("https://ledger.example/month");
  });

  it("says that the ledger is away, and how many clicks wait for it", () => {
    const shown = overview({
      status: status({ unsent: 4, problems: [{ code: "ledger_away", sentence: "x" }] }),
    });
    expect(show(shown)).toMatch(/ledger cannot be reached.*4 clicks wait in your companion/);
  });

  it("offers the page, without its fragment, where it has no thing", () => {
    expect(show(overview())).toMatch(/There is no Flattr button on this page/);
    expect(document.querySelector<HTMLElement>("#share")?.hidden).toBe(false);
  });

  it("shows the page's own standing once it is flattred", () => {
    const page = {
      thing: pageState.page,
      form: "popup",
      standing: "flattred",
      click: "c9",
      at: AT,
      undoable: true,
    } as const;
    expect(show(overview({ page }))).toMatch(/flattred on November 3/);
    expect(document.querySelector<HTMLElement>("#share")?.hidden).toBe(true);
    press('#things [data-action="undo"]');
    expect(asked).toEqual(["undo c9"]);
  });

  it("says that a page cannot be read", () => {
    expect(show(overview(), { ...pageState, readable: false, page: undefined })).toMatch(
      /does not let extensions look at this page/,
    );
  });

  it("says that buttons could work by themselves", () => {
    expect(show(overview({ reading: false }))).toMatch(/Allow it, and buttons work by themselves/);
    expect(document.querySelector<HTMLElement>("#allow-hint")?.hidden).toBe(false);
  });

  it("lists things with a button or a standing each", async () => {
    const thing = (number: number) => ({ url: `https://a.example/${number}`, title: `Thing ${number}` });
    const shown = overview({
      things: [
        { thing: thing(1), form: "js-a-rev", standing: "free" },
        { thing: thing(2), form: "js-a-rev", standing: "waiting", click: "c2", at: AT, undoable: true },
        { thing: thing(3), form: "js-a-rev", standing: "refused", click: "c3", at: AT, code: "flattr_owner" },
        { thing: thing(4), form: "js-a-rev", standing: "refused", click: "c4", at: AT, code: "no_means" },
      ],
    });
    expect(show(shown)).toMatch(
      /Thing 1 Flattr this.*Thing 2 Undo flattred, on its way.*Thing 3 This is your own.*Try again/,
    );
    press('#things li:first-child [data-action="flattr"]');
    expect(asked).toEqual(["flattr https://a.example/1"]);
    expect(await audit(document)).toEqual([]);
  });

  it("shows both months in the grace", () => {
    const ended = {
      month: "2026-10",
      state: "grace",
      budgetMicro: 2_000_000,
      clicks: 3,
      promises: 1,
      shareMicro: 666_666,
    };
    const months = [...status().months, ended];
    expect(show(overview({ status: status({ months }) }))).toMatch(
      /November 2026.*October 2026.*€0.667.*October 2026 is over.*1 click waits for its author/,
    );
  });

  it("says how old its figures are while the companion does not answer", () => {
    expect(show(overview({ link: "away", status: status({ lastSync: AT }) }))).toMatch(/As of Nov 3, 2026/);
  });

  it("lists what is kept with its reason, and asks about another account's click", async () => {
    const outbox = [
      { id: "c1", type: "flattr", title: "Bed", at: AT, code: "other_account" },
      { id: "u1", type: "undo", title: "", at: AT },
    ] as const;
    expect(show(overview({ outbox }))).toMatch(
      /Bed Send as ann Discard.*for another account.*Undo of a click/,
    );
    press('[data-action="adopt"]');
    press('[data-action="discard"]');
    expect(asked).toEqual(["adopt c1", "discard c1"]);
    expect(await audit(document)).toEqual([]);
  });

  it("lists the last clicks with what became of them, and undo while it is possible", async () => {
    const rows = [
      row({ id: "c1", state: "waiting" }),
      row({ id: "c2", promise: true }),
      row({ id: "c3", state: "refused", code: "duplicate", undoable: false }),
      row({ id: "c4", undoable: false }),
      row({ id: "c5" }),
    ];
    expect(show(overview({ rows, undoing: ["c5"] }))).toMatch(
      /on its way.*waits for the author.*already this month.*counted.*undone/,
    );
    const undoable = [...document.querySelectorAll("#recent [data-action=undo]")];
    expect(undoable.map((button) => button.closest("li")?.dataset["click"])).toEqual(["c1", "c2"]);
    expect(await audit(document)).toEqual([]);
  });

  it("shows markup in a title as text", () => {
    const evil = "<img src=x onerror=alert(1)>";
    show(overview({ rows: [row({ title: evil })] }));
    expect(document.querySelector("#recent img")).toBeNull();
    expect(document.querySelector("#recent .title")?.textContent).toBe(evil);
  });
});
