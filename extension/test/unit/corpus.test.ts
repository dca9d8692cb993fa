// What the detection finds in documents whose scripts do not run: jsdom parses as a browser does, and is there everywhere.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Pointer } from "../../src/detect/pointer";
import { scan } from "../../src/detect/scan";
import { mergePointers } from "../../src/thing/merge";
import { type Case, casesIn, type Item, LEDGER, OWN, sorted } from "./cases";
import { parsePage } from "./page";

const COMMON = casesIn(new URL("../../../../shared/corpus/", import.meta.url));

const TYPES: Readonly<Record<string, string>> = { xml: "text/xml", xhtml: "application/xhtml+xml" };

// A snippet stays a snippet here. Shadow roots, frames and what comes late are seen by tools/detect.mjs in a browser.
function isExpected({ where }: Item): boolean {
  return where === undefined || where === "script";
}

function asItem(pointer: Pointer): Item {
  const { url, thingID, site: _, ...rest } = pointer;
  return {
    ...rest,
    ...(url === undefined ? {} : { thing_url: url }),
    ...(thingID === undefined ? {} : { thing_id: thingID }),
  };
}

function check({ name, file, base_url, things, expected }: Case): void {
  const type = TYPES[name.split(".").at(-1) ?? ""] ?? "text/html";
  const bytes = readFileSync(file);
  const encoding = /(?:charset|encoding)="?iso-8859-1/i.test(bytes.toString("latin1")) ? "latin1" : "utf8";
  // jsdom shows what stands in noscript of HTML, as a browser without scripts would.
  const text = bytes.toString(encoding).replace(/^\ufeff/, "");
  const shown = type === "text/html" ? text.replaceAll(/<noscript>.*?<\/noscript>/gs, "") : text;
  const pointers = scan(parsePage(shown, base_url, type), LEDGER)
    .map(({ pointer }) => pointer)
    .filter(({ form }) => form !== "link-monetization");
  const seen = expected.filter(isExpected).map(({ where: _, ...item }) => item);
  expect(sorted(pointers.map(asItem))).toEqual(sorted(seen));
  const all = expected.every((item) => isExpected(item) || item.where === "noscript");
  if (all && things !== undefined) expect(mergePointers(pointers)).toHaveLength(things);
}

// What a page is to Flattr itself is no matter of its contents.
const PARSED = OWN.filter(({ expected }) => !expected.some(({ where }) => where === "own"));

describe("our own pages", () => {
  it.each(PARSED)("$name", check);
});

describe.skipIf(COMMON.length === 0)("the common corpus (skipped where ../shared is absent)", () => {
  it.each(COMMON)("$name", check);
});
