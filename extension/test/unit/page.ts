// Pages for tests: HTML parsed by jsdom, which builds the same tree as a browser does.
import { JSDOM } from "jsdom";

/** parsePage parses HTML as if it were served from the address. */
export function parsePage(html: string, address: string): Document {
  return new JSDOM(html, { url: address }).window.document;
}
