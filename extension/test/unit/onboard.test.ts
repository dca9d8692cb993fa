// The onboarding page: each step shows what it should in each of its states, and axe finds nothing.
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { Overview } from "../../src/messages";
import * as allow from "../../src/onboard/allow";
import * as connect from "../../src/onboard/connect";
import * as link from "../../src/onboard/link";
import { setStep, stepState } from "../../src/onboard/step";
import { fillWords } from "../../src/page";
import type { Status } from "../../src/wire.gen";
import { audit, openPage } from "./axe";
import { speak } from "./chrome";

const html = readFileSync(new URL("../../static/onboard.html", import.meta.url), "utf8");
const account = { id: "7", name: "ann", ledger: "https://ledger.example" };
const unlinked: Status = {
  type: "status",
  version: "1",
  ledger: account.ledger,
  months: [],
  meansMicro: 0,
  unsent: 0,
  problems: [],
};

function overview(fields: Partial<Overview>): Overview {
  return {
    link: "up",
    lasting: true,
    reading: false,
    rows: [],
    outbox: [],
    refused: [],
    undoing: [],
    things: [],
    ...fields,
  };
}

function show(shown: Overview): void {
  connect.show(shown);
  link.show(shown);
  allow.show(shown);
}

const states = (): string[] => ["step-connect", "step-link", "step-allow"].map(stepState);
const said = (id: string): string => document.querySelector(`#${id} .said`)?.textContent ?? "";
const isShown = (id: string): boolean => document.querySelector<HTMLElement>(`#${id}`)?.hidden === false;

beforeEach(() => {
  const window = openPage(html);
  Object.assign(globalThis, { document: window.document, window });
  fillWords(document);
});

describe("the onboarding page", () => {
  it("begins with connecting, and says what comes first", async () => {
    show(overview({ link: "unpaired" }));
    expect(states()).toEqual(["todo", "todo", "todo"]);
    expect(said("step-link")).toBe("Connect your companion first.");
    expect(document.querySelector<HTMLButtonElement>("#link")?.disabled).toBe(true);
    expect([isShown("connect"), isShown("paste-form"), isShown("link-yes"), isShown("allow")]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(await audit(document)).toEqual([]);
  });

  it("goes on to the ledger, and offers the accounts of this user", async () => {
    show(overview({ status: { ...unlinked, accounts: [account] } }));
    expect(states()).toEqual(["done", "todo", "todo"]);
    expect(document.querySelector("#offered button")?.textContent).toBe("Go on as ann at ledger.example");
    expect(document.querySelector<HTMLButtonElement>("#link")?.disabled).toBe(false);
    expect(await audit(document)).toEqual([]);
  });

  it("ends when all three are done", async () => {
    show(overview({ reading: true, status: { ...unlinked, account } }));
    expect(states()).toEqual(["done", "done", "done"]);
    expect(said("step-link")).toBe("You flattr as ann at ledger.example.");
    expect([isShown("connect"), isShown("link"), isShown("sign-out"), isShown("allow")]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(await audit(document)).toEqual([]);
  });

  it("keeps a failure and its reason in view until it is tried again", () => {
    setStep("step-connect", "failed", "No companion.");
    show(overview({ link: "unpaired" }));
    expect([stepState("step-connect"), said("step-connect"), isShown("connect")]).toEqual([
      "failed",
      "No companion.",
      true,
    ]);
  });

  it("asks to connect again when the companion has forgotten this browser", () => {
    show(overview({ link: "unknown" }));
    expect(stepState("step-connect")).toBe("todo");
    expect(said("step-connect")).toMatch(/does not know this browser any more/);
  });

  it.each([
    ["away", /flattrd start/],
    ["other_program", /Another program answers/],
    ["version", /Update both/],
  ] as const)(
    "lets a reader connect again when the companion is %s, as after a move to another port",
    (link, words) => {
      show(overview({ link }));
      expect(said("step-connect")).toMatch(words);
      expect([isShown("connect"), isShown("paste-form")]).toEqual([true, true]);
    },
  );

  it("speaks German", async () => {
    speak("de");
    fillWords(document);
    show(overview({ link: "unpaired" }));
    expect(document.documentElement.lang).toBe("de");
    expect(document.querySelector("h1")?.textContent).toBe("Willkommen bei Flattr");
    expect(await audit(document)).toEqual([]);
    speak("en");
  });
});
