// The history as a file for a spreadsheet: CSV as RFC 4180 has it, in UTF-8, with nothing in it that calculates.
import type { ClickRow } from "../wire.gen";

const HEADER = ["id", "time", "month", "state", "code", "promise", "title", "url"] as const;

/**
 * A field that begins with one of these is a formula to a spreadsheet; blanks before it do not hinder that. Where commas
 * are decimal, as in German, spreadsheets end fields at semicolons instead, and take no notice of the quotes.
 */
const FORMULA = /(^|[;\t\r\n])(?=[\s"]*[=+\-@\t\r|%])/g;

/** csvOf writes clicks, one a line; lines end in CR LF, every field stands in quotes. */
export function csvOf(rows: readonly ClickRow[]): string {
  const lines = rows.map(({ id, at, month, state, code, promise, title, url, thing }) => [
    id,
    at,
    month,
    state,
    code ?? "",
    promise === true ? "1" : "0",
    title ?? thing.title ?? "",
    url ?? thing.url ?? "",
  ]);
  return [HEADER, ...lines].map((fields) => `${fields.map(quote).join(",")}\r\n`).join("");
}

// A defused field begins with an apostrophe, which spreadsheets take for "this is text".
function quote(field: string): string {
  return `"${field.replaceAll(FORMULA, "$1'").replaceAll('"', '""')}"`;
}
