// Whole pages and what must be found on them: our own fixtures, and the common corpus where it is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Pointer } from "../../src/detect/pointer";
import { scan } from "../../src/detect/scan";
import { mergePointers } from "../../src/thing/merge";
import { parsePage } from "./page";

type Item = Record<string, unknown> & { form: string; where?: string };
interface Case {
  base_url: string;
  why: string;
  things?: number;
  expected: Item[];
}

// Documents without running scripts: jsdom runs none, so a snippet stays a snippet. Shadow roots, frames and what comes
// late are seen by tools/detect.mjs in a real browser.
function isExpected(item: Item): boolean {
  return item.where === undefined || item.where === "script";
}

function asItem(pointer: Pointer): Item {
  const { url, thingID, site: _, ...rest } = pointer;
  return {
    ...rest,
    ...(url === undefined ? {} : { thing_url: url }),
    ...(thingID === undefined ? {} : { thing_id: thingID }),
  };
}

function sorted(items: Item[]): string[] {
  return items.map((item) => JSON.stringify(Object.fromEntries(Object.entries(item).sort()))).sort();
}

function casesIn(folder: URL): { name: string; html: string; data: Case }[] {
  return readdirSync(folder)
    .filter((name) => /\.(?:html|xml|xhtml)$/.test(name))
    .map((name) => ({
      name,
      html: readFileSync(new URL(name, folder), "utf8"),
      data: JSON.parse(readFileSync(new URL(name.replace(/\.\w+$/, ".json"), folder), "utf8")) as Case,
    }));
}

// Here the corpus counts two spellings of one escape as two things; the thing's key, which the ledger goes by, makes them one.
const COUNT_DIFFERS = "015-js-umlauts-percent-punycode.html";

const TYPES: Readonly<Record<string, string>> = { xml: "text/xml", xhtml: "application/xhtml+xml" };

/** LEDGER is the reader's own in these pages. */
const LEDGER = "ledger.example:8080";

function check({ name, html, data }: { name: string; html: string; data: Case }): void {
  // jsdom shows what stands in noscript, as a browser without scripts would.
  const shown = html.replaceAll(/<noscript>.*?<\/noscript>/gs, "");
  const page = parsePage(shown, data.base_url, TYPES[name.split(".").at(-1) ?? ""]);
  const pointers = scan(page, LEDGER)
    .map(({ pointer }) => pointer)
    .filter(({ form }) => form !== "link-monetization");
  expect(sorted(pointers.map(asItem))).toEqual(
    sorted(data.expected.filter(isExpected).map(({ where: _, ...item }) => item)),
  );
  const all = data.expected.every((item) => isExpected(item) || item.where === "noscript");
  if (all && data.things !== undefined && name !== COUNT_DIFFERS)
    expect(mergePointers(pointers)).toHaveLength(data.things);
}

describe("our own pages", () => {
  it.each(casesIn(new URL("../fixtures/pages/", import.meta.url)))("$name", check);
});

const corpus = new URL("../../../../shared/corpus/", import.meta.url);
const common = existsSync(corpus) ? casesIn(corpus) : [];

describe.skipIf(common.length === 0)("the common corpus (skipped where ../shared is absent)", () => {
  it.each(common)("$name", check);
});
