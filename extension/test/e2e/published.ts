// What publishers and their readers have at a ledger, with everything real: an author whose site is claimed, a reader
// without the extension, an application, and the pages that they see.
import { strict as assert } from "node:assert";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import puppeteer, { type BrowserContext, type Browser as Chromium, type Page } from "puppeteer-core";
import { chromium } from "./browser.js";
import type { Language } from "./language.js";
import { Names } from "./names.js";
import * as pages from "./pages.js";
import { Ledger } from "./services.js";
import { Site } from "./site/site.js";

/** HOST is what the author's site is called; the browser and the ledger find it on this machine. */
export const HOST = "moss.test";

export const author: pages.Person = { name: "miriam", password: "moss grows on slow stones" };
export const reader: pages.Person = { name: "robin", password: "a long walk by the river" };

export class Published {
  private constructor(
    readonly site: Site,
    readonly ledger: Ledger,
    private readonly names: Names,
    readonly browser: Chromium,
  ) {}

  /**
   * set starts a ledger that can reach the site, and a browser as everybody has it, without the extension; before says what
   * is done to the ledger before its first start.
   */
  static async set(
    folder: string,
    before: (ledger: Ledger, site: Site) => Promise<void> = async () => {},
  ): Promise<Published> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const executablePath = chromium();
    assert.ok(executablePath);
    const site = await new Site().listen(0, HOST);
    const names = await Names.listen();
    const ledger = await Ledger.at(folder);
    ledger.options = [
      "--allow-network",
      "127.0.0.0/8",
      "--nameserver",
      names.address,
      "--site-port",
      String(site.port),
    ];
    await before(ledger, site);
    await ledger.start();
    const browser = await puppeteer.launch({
      executablePath,
      headless: true,
      pipe: true,
      args: [
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost`,
      ],
    });
    return new Published(site, ledger, names, browser);
  }

  /** visitor is a person at a computer of their own, who has never been here. */
  async visitor(language: Language = "en"): Promise<BrowserContext> {
    const context = await this.browser.createBrowserContext();
    if (language !== "en") {
      const page = await context.newPage();
      await page.goto(`${this.ledger.origin}/language?to=${language}&next=/`);
      await page.close();
    }
    return context;
  }

  /** join makes a member with means, in front of the page that comes after joining. */
  async join(context: BrowserContext, person: pages.Person, means: string): Promise<Page> {
    const invite = (await this.ledger.command(["invite", "new", "--means", means])).trim();
    const page = await context.newPage();
    await pages.signUp(page, this.ledger.origin, person, invite);
    return page;
  }

  /** load tells the ledger of things whose owners the operator knows. */
  async load(lines: readonly object[]): Promise<void> {
    const file = path.join(this.ledger.folder, "things.ndjson");
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await this.ledger.command(["load", file]);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.ledger.stop();
    await this.site.close();
    await this.names.close();
  }
}

/** submit presses a form's button and waits for the page that follows; nothing on the ledger's pages has to be looked at first. */
export async function submit(page: Page, selector: string): Promise<void> {
  await page.bringToFront();
  await Promise.all([page.waitForNavigation({ waitUntil: "domcontentloaded" }), page.click(selector)]);
}

/** follow clicks a link that says so and waits for the page that it leads to. */
export async function follow(page: Page, words: string): Promise<void> {
  await submit(page, `::-p-xpath(//a[normalize-space(.)="${words}"])`);
}

/** copied is what a person copies out of a field of a page. */
export function copied(page: Page, id: string): Promise<string> {
  return page.$eval(`#${id}`, (area) => (area as HTMLTextAreaElement).value);
}

/** flattrFrom is a member who follows a link to a thing and flattrs it there. */
export async function flattrFrom(page: Page, origin: string, url: string): Promise<void> {
  await page.goto(`${origin}/submit/auto?url=${encodeURIComponent(url)}`);
  await submit(page, "#flattr button[type=submit]");
}
