// What publishers and their readers have at a ledger, with everything real: an author whose site is claimed, a reader
// without the extension, an application, and the pages that they see.
import { strict as assert } from "node:assert";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import puppeteer, { type BrowserContext, type Browser as Chromium, type Page } from "puppeteer-core";
import { chromium, type as typeInto } from "./browser.js";
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

  /** set starts a ledger that can reach the site, and a browser as everybody has it, without the extension. */
  static async set(folder: string): Promise<Published> {
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
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
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

/** Shown is a page of the ledger as one person sees it. */
export interface Shown {
  readonly name: string;
  readonly page: Page;
}

const THINGS = [
  ["peat", "What peat remembers", 3],
  ["sphagnum", "Sphagnum, or how to hold water", 2],
  ["bog-oak", "Bog oak", 0],
] as const;

/** people makes the author with things and a public profile, and readers who have flattred them. */
async function people(set: Published, language: Language): Promise<{ author: Page; reader: Page }> {
  const { ledger, site } = set;
  const miriam = await set.join(await set.visitor(language), author, "10.00");
  const robin = await set.join(await set.visitor(language), reader, "20.00");
  const more = await Promise.all(
    ["ines", "tomas"].map(async (name) => set.join(await set.visitor(), { ...reader, name }, "5.00")),
  );
  const url = (slug: string) => `${site.origin}/${slug}`;
  await set.load([
    ...THINGS.map(([slug, title]) => ({ type: "thing", url: url(slug), owner: author.name, title })),
    { type: "thing", url: "https://heather.example/lark", owner: "tomas", title: "The lark above the heath" },
  ]);
  await miriam.goto(`${ledger.origin}/profile`);
  const german = language === "de";
  const texts: Record<string, string> = {
    firstname: "Miriam",
    lastname: "Moss",
    about: german
      ? "Ich schreibe über Moore: wie sie wachsen, wer in ihnen lebt\nund was verloren geht, wenn sie trocken fallen."
      : "I write about bogs: how they grow, who lives in them,\nand what is lost when they fall dry.",
    city: "Worpswede",
    country: german ? "Deutschland" : "Germany",
    url: `${site.origin}/`,
  };
  for (const [name, text] of Object.entries(texts)) await typeInto(miriam, `#${name}`, text);
  await miriam.click("#seen-public");
  await submit(miriam, "#profile button[type=submit]");
  for (const [slug, , clicks] of THINGS) {
    for (const page of [...more, robin].slice(0, clicks)) await flattrFrom(page, ledger.origin, url(slug));
  }
  await flattrFrom(miriam, ledger.origin, "https://heather.example/lark");
  return { author: miriam, reader: robin };
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

/** applications lets one of the author's ask the reader and be allowed; the page that asks is shown. */
async function applications(set: Published, who: { author: Page; reader: Page }): Promise<Page> {
  const { ledger, site } = set;
  await who.author.goto(`${ledger.origin}/applications`);
  await typeInto(who.author, "#app-name", "Podcast player");
  await typeInto(who.author, "#app-callback", `http://127.0.0.1:${site.port}/callback`);
  await submit(who.author, "#register button[type=submit]");
  const [id, secret] = await who.author.evaluate(() =>
    ["#client-id", "#client-secret"].map((code) => document.querySelector(code)?.textContent ?? ""),
  );
  const consent = await who.reader.browserContext().newPage();
  const query = new URLSearchParams({
    response_type: "code",
    client_id: id ?? "",
    scope: "flattr thing email",
    state: "x",
  });
  await consent.goto(`${ledger.origin}/oauth/authorize?${query}`);
  const other = await who.reader.browserContext().newPage();
  await other.goto(consent.url());
  await submit(other, "#allow");
  const code = new URL(other.url()).searchParams.get("code") ?? "";
  await other.close();
  const exchanged = await fetch(`${ledger.origin}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "authorization_code", code }),
  });
  assert.equal(exchanged.status, 200, await exchanged.text());
  return consent;
}

/** claims lets the author claim three sites: one that is proved, one that says nothing, one that cannot be read. */
async function claims(set: Published, page: Page): Promise<void> {
  const { ledger, site } = set;
  await page.goto(`${ledger.origin}/claims`);
  const meta = await page.$eval("#meta", (area) => (area as HTMLTextAreaElement).value);
  site.extra.set(
    "/",
    `<!DOCTYPE html><html lang="en"><head><title>Moss</title>${meta}</head><body></body></html>`,
  );
  for (const claimed of [
    `${site.origin}/`,
    `http://blog.${HOST}:${site.port}/~miriam/`,
    "https://away.example/",
  ]) {
    await typeInto(page, "#site", claimed);
    await submit(page, "#claim button[type=submit]");
  }
}

/** show makes the world and opens every page of it, as its visitor, reader or author sees it. */
export async function show(set: Published, language: Language): Promise<readonly Shown[]> {
  const { origin } = set.ledger;
  const who = await people(set, language);
  const consent = await applications(set, who);
  await claims(set, who.author);
  const stranger = await set.visitor(language);
  const open = async (name: string, context: BrowserContext, address: string): Promise<Shown> => {
    const page = await context.newPage();
    await page.goto(`${origin}${address}`);
    return { name, page };
  };
  const [authors, readers] = [who.author.browserContext(), who.reader.browserContext()];
  const chosen = (size: string, code: string) =>
    `/buttons?${new URLSearchParams({ url: `${set.site.origin}/peat`, user_id: author.name, title: "What peat remembers", size, language: code })}`;
  const fresh = `/submit/auto?${new URLSearchParams({ url: "https://heron.example/tides", user_id: "heron", title: "Tide tables for herons", description: "Four weeks at the mouth of a river, hour by hour.", language: "en_GB", tags: "birds,sea", category: "text" })}`;
  const before = await open("submit-before", readers, fresh);
  const after = await open("submit-after", readers, fresh);
  await submit(after.page, "#flattr button[type=submit]");
  const applied = await open("applications", authors, "/applications");
  await typeInto(applied.page, "#app-name", "Bot");
  await typeInto(applied.page, "#app-callback", "https://bot.example/callback");
  await submit(applied.page, "#register button[type=submit]");
  const peat = await open(
    "thing",
    readers,
    `/submit/auto?url=${encodeURIComponent(`${set.site.origin}/bog-oak`)}`,
  );
  return [
    await open("buttons-large", authors, chosen("large", "en_GB")),
    await open("buttons-compact", stranger, chosen("compact", "de_DE")),
    await open("buttons-empty", stranger, "/buttons"),
    await open(
      "thing-visitor",
      stranger,
      `/submit/auto?url=${encodeURIComponent(`${set.site.origin}/peat`)}`,
    ),
    peat,
    before,
    after,
    await open("profile", stranger, `/@${author.name}`),
    await open("profile-own", authors, "/profile"),
    { name: "consent", page: consent },
    await open("grants", readers, "/grants"),
    applied,
    await open("claims", authors, "/claims"),
    await open("optout", stranger, "/optout"),
    await open("month", readers, "/month"),
    await open("api", stranger, "/docs/api"),
  ];
}
