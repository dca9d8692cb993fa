// Every page of the ledger as somebody sees it, in each state that looks different: made by loading a past, and by what
// visitors, readers and authors do in a real browser. Who audits pages and who takes pictures of them is handed each in turn.
import { strict as assert } from "node:assert";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { BrowserContext, Page } from "puppeteer-core";
import { type as typeInto } from "./browser.js";
import type { Language } from "./language.js";
import { Letters } from "./letters.js";
import { LATER, Past, REVIEWED, SETTLED } from "./loaded.js";
import * as pages from "./pages.js";
import { root } from "./programs.js";
import { author, Published, reader, submit } from "./published.js";
import { authorsPages } from "./seen-author.js";
import { publishersPages } from "./seen-publisher.js";
import { pastPages, readersPages } from "./seen-reader.js";
import { visitorsPages } from "./seen-visitor.js";
import type { Ledger } from "./services.js";

/** See is handed a page under a name of its own; it may change the window and what the reader prefers, but nothing else. */
export type See = (name: string, page: Page) => Promise<void>;

/** Told is a ledger with a past and the people who look at its pages. */
export class Told {
  /** templates are those of which a page was seen. */
  readonly templates = new Set<string>();
  private readonly past: Past;
  private read = 0; // letters
  private constructor(
    readonly set: Published,
    private readonly letters: Letters,
    readonly language: Language,
    private readonly show: See,
  ) {
    this.past = new Past(set.site.origin, author.name, reader.name);
  }

  static async begin(folder: string, language: Language, show: See): Promise<Told> {
    const letters = await Letters.listen(path.join(folder, "letters"));
    const set = await Published.set(folder, async (ledger, site) => {
      ledger.clock = REVIEWED;
      ledger.host = "localhost";
      ledger.options = [...ledger.options, "--public-url", ledger.origin, ...letters.options];
      const file = path.join(folder, "past.ndjson");
      writeFileSync(file, text(new Past(site.origin, author.name, reader.name).before()));
      await ledger.command(["load", file]);
      await settle(ledger, SETTLED);
      for (const { name, password } of [author, reader, other])
        await ledger.command(["member", "password", name], `${password}\n`);
    });
    return new Told(set, letters, language, show);
  }

  get origin(): string {
    return this.set.ledger.origin;
  }

  /** later moves on to the middle of the month. */
  async later(): Promise<void> {
    const { ledger } = this.set;
    await ledger.stop();
    await this.set.load(this.past.after());
    await settle(ledger, ["2026-10"]);
    ledger.clock = LATER;
    await ledger.start();
  }

  visitor(): Promise<BrowserContext> {
    return this.set.visitor(this.language);
  }

  /** member is somebody's browser, signed in. */
  async member(person: pages.Person): Promise<BrowserContext> {
    const context = await this.visitor();
    const page = await context.newPage();
    await pages.signIn(page, this.origin, person);
    await page.close();
    return context;
  }

  /** link is the one to a path of the ledger in the next letter that has one. */
  async link(to: string): Promise<string> {
    for (;;) {
      const { text } = await this.letters.wait(++this.read);
      const found = new RegExp(`${this.origin}${to}\\?token=[\\w-]+`).exec(text);
      if (found !== null) return found[0];
    }
  }

  /** open shows a page of the ledger in a tab of its own. */
  async open(context: BrowserContext, address: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(address.startsWith("http") ? address : `${this.origin}${address}`);
    return page;
  }

  /** see hands on what a tab shows. */
  async see(name: string, page: Page): Promise<void> {
    await page.bringToFront();
    const template = await page.evaluate(() => document.querySelector("main")?.dataset["page"]);
    if (template !== undefined) this.templates.add(template);
    await this.show(name, page);
  }

  /** look opens pages one after the other, hands them on, and closes them. */
  async look(
    context: BrowserContext,
    ...pages: readonly (readonly [name: string, address: string])[]
  ): Promise<void> {
    for (const [name, address] of pages) {
      const page = await this.open(context, address);
      await this.see(name, page);
      await page.close();
    }
  }

  /** answer opens a page, fills a form, sends it, and hands on the page that follows. */
  async answer(
    context: BrowserContext,
    name: string,
    address: string,
    form: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<void> {
    const page = await this.open(context, address);
    for (const [field, value] of Object.entries(fields)) await fill(page, `${form} [name=${field}]`, value);
    await send(page, form);
    await this.see(name, page);
    await page.close();
  }

  async close(): Promise<void> {
    await this.set.close();
    await this.letters.close();
  }
}

/** other is a reader with a month of few clicks. */
export const other: pages.Person = { name: "ann", password: "three geese and a gate" };

/** settle closes months as their treasurer does, in November at the latest, whatever day it is. */
async function settle(ledger: Ledger, months: readonly string[]): Promise<void> {
  for (const month of months) await ledger.command(["settle", "--month", month, "--now", LATER]);
  await ledger.command(["clock", "forget"]); // the ledger's clock shows another time than the command's
}

/** fill writes into a field, or ticks it. */
async function fill(page: Page, field: string, value: string): Promise<void> {
  assert.ok(await page.$(field), `${page.url()} has no ${field}`);
  await page.$eval(
    field,
    (element, wanted) => {
      const input = element as HTMLInputElement;
      if (input.type === "checkbox" || input.type === "radio") input.checked = true;
      else input.value = wanted;
    },
    value,
  );
}

/** send presses a form's first button; what a browser would check is the ledger's to say. */
async function send(page: Page, form: string): Promise<void> {
  await page.$eval(form, (element) => {
    (element as HTMLFormElement).noValidate = true;
  });
  await submit(page, `${form} button[type=submit]`);
}

/** typed is typing as a person does. */
export const typed = typeInto;

const text = (lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

/** tell makes a world in a language and has every page of it seen; it fails where a page of the ledger was not among them. */
export async function tell(folder: string, language: Language, see: See): Promise<void> {
  const told = await Told.begin(folder, language, see);
  try {
    const early = await told.member(reader);
    await visitorsPages(told, early);
    await readersPages(told, early);
    await told.later(); // so much that browsers have been signed out
    const [robin, miriam] = [await told.member(reader), await told.member(author)];
    await publishersPages(told, robin, miriam);
    await authorsPages(told, miriam);
    await pastPages(told, robin);
    const files = readdirSync(path.join(root, "ledger", "web", "pages")).filter((file) =>
      file.endsWith(".html"),
    );
    const unseen = files.map((file) => file.replace(".html", "")).filter((page) => !told.templates.has(page));
    assert.deepEqual(unseen, ["layout"], "pages of the ledger that nobody has seen: show them in a story");
  } finally {
    await told.close();
  }
}
