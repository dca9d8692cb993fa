// Whose page this is, as its address says, or the page's that made it.
import { expect, it } from "vitest";
import { isFlattrHere } from "../../src/content/site";

it.each([
  ["https://flattr.com", "https://flattr.com/thing/1", true],
  ["https://ledger.example:8080", "about:srcdoc", true],
  ["https://a.example", "about:blank", false],
  ["null", "https://ledger.example:8080/thing/1", true],
  ["null", "about:srcdoc", false],
])("of a page of %s at %s: %s", (origin, URL, own) => {
  Object.assign(globalThis, { self: { origin }, document: { URL } });
  expect(isFlattrHere("ledger.example:8080")).toBe(own);
});
