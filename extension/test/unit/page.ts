// Pages for tests: HTML parsed by jsdom, which builds the same tree as a browser does.
import { JSDOM } from "jsdom";

/** parsePage parses HTML, or XML of the given type, as if it were served from the address. */
export function parsePage(html: string, address: string, contentType = "text/html"): Document {
  return new JSDOM(html, { url: address, contentType }).window.document;
}
