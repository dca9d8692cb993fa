// Whole pages and what must be found on them: our own fixtures, and the common corpus where it is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Item is one pointer of an expectation; `where` says where it is to be seen. */
export type Item = Record<string, unknown> & { form: string; where?: string };

/** Case is a page and its expectation. */
export interface Case {
  readonly name: string;
  readonly file: string;
  readonly base_url: string;
  readonly why: string;
  readonly things?: number;
  readonly expected: readonly Item[];
}

/** LEDGER is the reader's own in our pages. */
export const LEDGER = "ledger.example:8080";

/** OWN are our pages. */
export const OWN = casesIn(new URL("../fixtures/pages/", import.meta.url));

/** sorted compares findings as a multiset. */
export function sorted(items: readonly Item[]): string[] {
  return items.map((item) => JSON.stringify(Object.fromEntries(Object.entries(item).sort()))).sort();
}

/** casesIn reads pages and what each must give from a folder; there are none where it is absent. */
export function casesIn(folder: URL): readonly Case[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /\.(?:html|xml|xhtml)$/.test(name))
    .map((name) => {
      const said = readFileSync(new URL(name.replace(/\.\w+$/, ".json"), folder), "utf8");
      const expectation = JSON.parse(said) as Omit<Case, "name" | "file">;
      return { name, file: fileURLToPath(new URL(name, folder)), ...expectation };
    });
}
