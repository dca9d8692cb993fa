// What the tests of robustness share, in either browser.
import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Guest } from "./guest.js";
import type { Hands } from "./hands.js";
import type { Site } from "./site/site.js";
import type { Stage } from "./stage.js";
import type { Suite } from "./suite.js";

/** Trial is what the parts share. Articles are taken one after the other: a thing is flattred once. */
export interface Trial {
  readonly suite: Suite;
  readonly stage: Stage;
  readonly hands: Hands;
  readonly robin: Guest;
  readonly build: string; // the folder of the extension that runs, and may be changed
  readonly books: Books;
}

/** Books is what the ledger must show. */
export class Books {
  #article = 0;
  clicks = 0;

  constructor(private readonly site: Site) {}

  /** open begins a test with what the ledger shows: one that failed before must not fail the next. */
  async open(robin: Guest): Promise<void> {
    this.clicks = (await robin.month()).clicks;
  }

  /** next is the address of an article that nobody has flattred yet. */
  next(): string {
    const article = this.site.articles[this.#article++];
    assert.ok(article, "there are no more articles");
    return this.site.urlOf(article);
  }
}

/** raiseVersion makes the build in a folder the next version. */
export function raiseVersion(build: string): string {
  const file = path.join(build, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  manifest.version = `${manifest.version}.1`;
  writeFileSync(file, JSON.stringify(manifest));
  return manifest.version;
}
