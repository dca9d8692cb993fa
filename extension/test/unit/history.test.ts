// The history on the options page: read page by page without a word too many, and true after an undo.
import { readFileSync } from "node:fs";
import { beforeEach, expect, it } from "vitest";
import type { History, Overview } from "../../src/messages";
import { start, update } from "../../src/options/history";
import { fillWords } from "../../src/page";
import type { ClickRow } from "../../src/wire.gen";
import { dayOf } from "../../src/words";
import { openPage } from "./axe";
import { speak } from "./chrome";

const html = readFileSync(new URL("../../static/options.html", import.meta.url), "utf8");
const nothing = (): void => {};
const at = "2026-11-03T12:00:00.000Z";

function row(id: string, fields: Partial<ClickRow> = {}): ClickRow {
  const thing = { url: `https://a.example/${id}`, title: `Thing ${id}` };
  return { id, state: "accepted", month: "2026-11", at, thing, undoable: true, ...fields };
}

function overview(fields: Partial<Overview>): Overview {
  const lists = { rows: [], outbox: [], refused: [], undoing: [], things: [] };
  return { link: "up", lasting: true, reading: false, ...lists, ...fields };
}

let answers: ((history: History) => void)[];
const count = (): string => document.querySelector("#count")?.textContent ?? "";
const lines = (): string[] =>
  [...document.querySelectorAll("#rows tr")].map((line) => line.textContent ?? "");
const save = (): HTMLButtonElement | null => document.querySelector("#export");
const undoOf = (id: string): HTMLElement | null => document.querySelector(`[data-key="${id}"] [data-action]`);

async function answer(history: History): Promise<void> {
  const next = answers.shift();
  if (next === undefined) throw new Error("nothing was asked");
  next(history);
  await new Promise((resolve) => setTimeout(resolve));
}

beforeEach(() => {
  const window = openPage(html);
  Object.assign(globalThis, { document: window.document, window });
  fillWords(document);
  answers = [];
  const sendMessage = (): Promise<unknown> =>
    new Promise((resolve) => answers.push((value) => resolve({ ok: true, value })));
  Object.assign(chrome, { runtime: { id: "test", sendMessage } });
  const { AbortController } = window as unknown as typeof globalThis;
  start(new AbortController().signal, nothing);
});

it("says one number, offers a whole file, and leaves the focus while pages come in", async () => {
  await answer({ rows: [row("c1")], whole: true, cursor: "2" });
  expect(count()).toBe("One moment …");
  expect(save()?.disabled).toBe(true);
  undoOf("c1")?.focus();
  await answer({ rows: [row("c2")], whole: true });
  expect(count()).toBe("2 clicks");
  expect(save()?.disabled).toBe(false);
  expect(document.activeElement).toBe(undoOf("c1"));
});

it("asks once more what became of the undo of a click that is not among the newest", async () => {
  await answer({ rows: [row("new"), row("old")], whole: true });
  update(overview({ undoing: ["old"] }), nothing);
  expect(undoOf("old")).toBeNull();
  update(overview({ rows: [row("new")] }), nothing);
  expect(lines()).toHaveLength(2);
  await answer({ rows: [row("new"), row("old", { state: "undone", undoable: false })], whole: true });
  expect(lines()[1]).toContain("undone");
  expect(undoOf("old")).toBeNull();
  expect(answers).toHaveLength(0);
});

it("writes ten thousand days in the reader's language without making one format each", () => {
  const made = Intl.DateTimeFormat;
  let formats = 0;
  Intl.DateTimeFormat = new Proxy(made, {
    construct: (target, options: ConstructorParameters<typeof made>) => {
      formats++;
      return new target(...options);
    },
  });
  try {
    speak("de");
    expect(dayOf(at)).toBe("03.11.2026");
    for (let day = 0; day < 10_000; day++) dayOf(at);
  } finally {
    Intl.DateTimeFormat = made;
    speak("en");
  }
  expect(formats).toBeLessThan(2);
  expect(dayOf(at)).toBe("Nov 3, 2026");
});
