// The reader's story, told by clicks in a real Chromium: from a letter with a QR code, which carries means, over the first
// click to the summary of the month. Time is measured from the first visit to the first click.
import { strict as assert } from "node:assert";
import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import jsQR from "jsqr";
import type { Browser as Chromium, Page } from "puppeteer-core";
import { Browser, click, submit, text, type, whatIsMissing } from "./browser.js";
import { Display } from "./display.js";
import { Letters } from "./letters.js";
import * as pages from "./pages.js";
import { delay, perform, until } from "./programs.js";
import { Reader } from "./reader.js";
import type { Article } from "./site/articles.js";
import { Stage } from "./stage.js";
import { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-reader-"));
const person: pages.Person = { name: "robin", password: "a long walk by the river" };
const address = "robin@letters.example";

const HOUR = 3600 * 1000;

/** LIMIT is how long a person may take from the first visit to the first click, in seconds. */
const LIMIT = 120;

/**
 * What a person takes beside the machine, in seconds, by the keystroke-level model of Card, Moran and Newell: to make up
 * one's mind, to point and to press for each click, and the keys of somebody who types now and then.
 */
const CLICK = 1.35 + 1.1 + 0.2;
const KEY = 0.28;

const today = new Date();
const month = today.toISOString().slice(0, 7);
const end = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 1);
const at = (time: number) => new Date(time).toISOString().replace(/\.\d+/, "");

/** Hand counts what a person does. */
class Hand {
  clicks = 0;
  keys = 0;

  async submit(page: Page, selector: string): Promise<void> {
    this.clicks++;
    await submit(page, selector);
  }

  /** follow clicks a link that says so. */
  follow(page: Page, words: string): Promise<void> {
    return this.submit(page, `::-p-xpath(//main//a[normalize-space(.)="${words}"])`);
  }

  async write(page: Page, selector: string, words: string): Promise<void> {
    this.clicks++;
    this.keys += words.length;
    await type(page, selector, words);
  }

  async choose(page: Page, selector: string): Promise<void> {
    this.clicks++;
    await click(page, selector);
  }

  get seconds(): number {
    return this.clicks * CLICK + this.keys * KEY;
  }
}

interface World {
  suite: Suite;
  stage: Stage;
  letters: Letters;
  browser: Browser;
  robin: Reader;
  page: Page; // where robin is at the ledger
  hand: Hand;
}

/** step is a test after which the ledger's page is photographed. */
async function step({ suite, page }: World, name: string, work: () => Promise<void>): Promise<void> {
  await suite.test(name, work);
  const picture = path.join(folder, `${name.replaceAll(/\W+/g, "-")}.png`);
  await Promise.race([page.screenshot({ path: picture as `${string}.png`, fullPage: true }), delay(3000)]);
}

/** states are how the first steps stand. */
function states(page: Page): Promise<string[]> {
  return page.$$eval("[data-step]", (steps) => steps.map((one) => one.getAttribute("data-state") ?? ""));
}

/** readCode reads a QR code off a picture, as a phone's camera does. */
async function readCode(browser: Chromium, picture: string): Promise<string | undefined> {
  const page = await browser.newPage();
  const [width, height, pixels] = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context?.drawImage(image, 0, 0);
    const { data } = context?.getImageData(0, 0, image.width, image.height) ?? { data: [] };
    return [image.width, image.height, [...data].map((byte) => String.fromCharCode(byte)).join("")] as const;
  }, picture);
  await page.close();
  return jsQR(new Uint8ClampedArray(Buffer.from(pixels, "latin1")), width, height)?.data;
}

/** letter lets an author give an invite away that carries means, and answers what its QR code says. */
async function letter({ stage, browser }: World, author: string): Promise<string> {
  const { ledger } = stage;
  const password = "twenty times thank you";
  await ledger.command(["member", "password", author], `${password}\n`);
  await ledger.command(["invite", "new", "--from", author, "--means", "5.00"]);
  const context = await browser.chromium.createBrowserContext(); // the author's own browser, so to speak
  const page = await context.newPage();
  await pages.signIn(page, ledger.origin, { name: author, password });
  await submit(page, '::-p-xpath(//a[normalize-space(.)="Open as a letter"])');
  assert.match(await text(page, "main"), new RegExp(`${author} invites you to Flattr.* €5\\.00`));
  const picture = await page.screenshot({ encoding: "base64" });
  await page.screenshot({ path: path.join(folder, "letter.png") as `${string}.png`, fullPage: true });
  await context.close();
  const link = await readCode(browser.chromium, picture);
  assert.equal(link?.split("=")[0], `${ledger.origin}/signup?invite`);
  return link ?? "";
}

async function firstClick(world: World): Promise<void> {
  const { stage, browser, page, hand, robin } = world;
  const [first] = stage.site.articles as [Article];
  let link = "";
  await step(world, "the QR code of an author's letter is read from its picture", async () => {
    link = await letter(world, first.author);
  });
  const start = performance.now();
  await step(world, "the reader opens it, sees who invites, and joins with a budget by slider", async () => {
    await page.goto(link, { waitUntil: "domcontentloaded" });
    assert.match(await text(page, ".notice"), new RegExp(`${first.author} invites you.*€5\\.00`));
    await hand.write(page, "#name", person.name);
    await hand.write(page, "#password", person.password);
    await hand.choose(page, ".stops label:has([value='5.00'])");
    await hand.submit(page, "#signup button[type=submit]");
    assert.match(await text(page, "main"), /Welcome, robin .* You give €5\.00 a month/);
    assert.deepEqual(await states(page), ["done", "next", "open"]);
  });
  await step(world, "changes the budget by number", async () => {
    await hand.choose(page, "[data-step=budget] summary");
    await hand.write(page, "#budget-amount", "4");
    await hand.submit(page, "#budget button[type=submit]");
    assert.match(await text(page, "main"), /^Your budget is now €4\.00 a month\. Welcome, robin/);
  });
  await step(world, "links browser and companion", async () => {
    await robin.connect(); // Connect, and yes to the browser
    await robin.link(); // Sign in, Allow, and "Yes, that is me"
    await robin.allowPages(); // Allow, and yes to the browser
    hand.clicks += 7;
    await hand.follow(page, "Look again");
    assert.deepEqual(await states(page), ["done", "done", "next"]);
  });
  await step(world, "flattrs the first thing that the ledger names", async () => {
    await hand.follow(page, first.title);
    assert.equal(page.url(), stage.site.urlOf(first));
    await until("the badge", async () => (await browser.badge(page.url())) === "1");
    hand.clicks++;
    await robin.press(page);
  });
  await world.suite.test(`from the first visit to the first click in under ${LIMIT} s`, async () => {
    const machine = (performance.now() - start) / 1000;
    const { clicks, keys, seconds } = hand;
    const all = machine + seconds;
    console.log(
      `       the machine ${machine.toFixed(1)} s; a person ${clicks} clicks and ${keys} keys, about ${seconds.toFixed(0)} s; together ${all.toFixed(0)} s`,
    );
    assert.ok(machine < LIMIT / 2, `the machine alone takes ${machine} s`);
    assert.ok(all < LIMIT, `together they take ${all} s`);
  });
}

async function runningMonth(world: World): Promise<void> {
  const { stage, browser, page, hand, robin } = world;
  const { origin } = stage.ledger;
  const [first, ...others] = stage.site.articles as [Article, ...Article[]];
  await step(world, "the month page shows the click, and takes it back", async () => {
    await until("the click is there", async () => (await pages.month(page, origin)).clicks === 1);
    assert.equal((await pages.month(page, origin)).shareMicro, 4_000_000);
    await hand.submit(page, `[aria-label="Undo the click on ${first.title}"]`);
    assert.match(await text(page, "main"), /^Taken back\./);
    assert.equal((await pages.month(page, origin)).clicks, 0);
  });
  await step(world, "what was taken back there can be flattred again, and counts again", async () => {
    const article = await robin.visit(first); // the button is free again by itself
    await until(
      "the page shows it as free",
      async () => !/flattred/i.test(await browser.title(article.url())),
    );
    await robin.press(article);
    await article.close();
    await until("it counts again", async () => (await pages.month(page, origin)).clicks === 1);
    await hand.submit(page, `[aria-label="Undo the click on ${first.title}"]`);
    assert.equal((await pages.month(page, origin)).clicks, 0);
  });
  await step(world, "three more clicks share the budget", async () => {
    for (const article of others.slice(0, 3)) await robin.flattr(article);
    await until("three clicks", async () => (await pages.month(page, origin)).clicks === 3);
    assert.equal((await pages.month(page, origin)).shareMicro, 1_333_333);
    await page.goto(`${origin}/welcome`);
    assert.deepEqual(await states(page), ["done", "done", "done"]);
  });
  await step(world, "the reader asks for letters, and confirms the address", async () => {
    await submit(page, '::-p-xpath(//nav//a[normalize-space(.)="Settings"])');
    await hand.follow(page, "Letters to you");
    await hand.write(page, "#mail-address", address);
    await hand.write(page, "#address-password", person.password);
    await hand.submit(page, "#address button[type=submit]");
    const confirm = await world.letters.wait(1);
    assert.equal(confirm.to, address);
    await page.goto(/^http\S+$/m.exec(confirm.text)?.[0] ?? "");
    await hand.submit(page, "#confirm button[type=submit]");
    assert.match(await text(page, "main"), /Letters go to robin@letters\.example from now on/);
  });
}

async function monthEnd(world: World): Promise<void> {
  const { stage, page, hand } = world;
  const { ledger, site } = stage;
  const [, second, third] = site.articles as [Article, Article, Article];
  /** back is the reader at the month's page, days later: who was away for long signs in again. */
  const back = async () => {
    await page.goto(`${ledger.origin}/month`);
    if (new URL(page.url()).pathname === "/signin") await pages.fillSignIn(page, person);
  };
  /** on stops the ledger and starts it at another time, with what its operator does meanwhile. */
  const on = async (time: number, meanwhile: () => Promise<unknown> = async () => {}) => {
    await ledger.stop();
    await meanwhile();
    ledger.clock = at(time);
    await ledger.start();
  };
  await step(world, "in the days after the month one click is taken out", async () => {
    await on(end + 60_000);
    await back();
    assert.match(await text(page, ".review"), /look it over .*these 3 clicks share your €4\.00 equally/);
    await hand.submit(page, `.review tr:has(a[href="${site.urlOf(second)}"]) button`);
    assert.match(await text(page, ".review"), /One click is worth now €2\.00/);
  });
  await step(world, "the month is closed, and the reader reads where the money went", async () => {
    await on(end + 73 * HOUR, async () => {
      await ledger.command(["clock", "forget"]); // the command goes by the machine's own clock
      await ledger.command(["settle", "--month", month, "--now", at(end + 73 * HOUR)]);
      await ledger.command(["clock", "forget"]);
    });
    await back();
    await hand.follow(page, "Month by month, with charts");
    await hand.submit(page, `tr[data-month="${month}"] a`);
    assert.equal(new URL(page.url()).pathname, `/history/${month}`);
    const read = await text(page, "main");
    assert.match(read, /settled/i);
    assert.match(read, /€4\.00/);
    assert.match(read, new RegExp(`${third.title} .* counts €2\\.00`));
  });
  await step(world, "the summary of the month comes by mail, and leads there", async () => {
    const summary = await world.letters.wait(2);
    assert.equal(summary.to, address);
    assert.match(summary.subject, /^Your \w+ \d{4} on Flattr$/);
    assert.match(summary.text, /You flattred 2 times and gave €4\.00\./);
    assert.match(summary.text, new RegExp(`${third.author}: 1 · €2\\.00`));
    await page.goto(/^http\S+$/m.exec(summary.text)?.[0] ?? "");
    assert.equal(new URL(page.url()).pathname, `/history/${month}`);
    assert.equal((await ledger.command(["audit"])).trim(), "audit: clean");
  });
}

async function tell(suite: Suite): Promise<void> {
  const display = Display.present() ?? (await Display.start());
  const stage = await Stage.set(folder, false);
  const letters = await Letters.listen(path.join(folder, "letters"));
  await stage.ledger.stop();
  stage.ledger.options = letters.options;
  await stage.ledger.start();
  const profile = path.join(folder, "browser");
  const browser = await Browser.launch({ display, profile, state: stage.companion.state });
  try {
    const page = await browser.open("about:blank");
    const robin = new Reader(browser, stage, person);
    const world = { suite, stage, letters, browser, robin, page, hand: new Hand() };
    await firstClick(world);
    await runningMonth(world);
    await monthEnd(world);
  } finally {
    await browser.close();
    await stage.close();
    await letters.close();
    display.close();
  }
}

await perform(async () => {
  const suite = new Suite(async () => {});
  const missing = await whatIsMissing(Display.present());
  if (missing) suite.skip("a reader's story in Chromium", missing);
  else await tell(suite);
  suite.close();
  suite.leave(folder);
});
