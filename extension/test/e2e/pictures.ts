// Takes the pictures in docs/pictures: popup, options, onboarding and a page with buttons, light and dark, in English
// and German, from the real extension with the real companion and ledger: node .ci/e2e.mjs pictures [en|de]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { palettePNG, readPNG } from "../../tools/png.mjs";
import { Browser, click, EXTENSION, visible, whatIsMissing } from "./browser.js";
import { Display } from "./display.js";
import { inLanguage, type Language } from "./language.js";
import * as pages from "./pages.js";
import { delay, root, stopAll, until } from "./programs.js";
import { Reader, read } from "./reader.js";
import { Companion } from "./services.js";
import { oldForms } from "./site/buttons.js";
import { frame } from "./site/site.js";
import { Stage } from "./stage.js";

const person = { name: "robin", password: "a long walk by the river" };
const pictures = path.join(root, "docs", "pictures");
const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-pictures-"));

/** Colours of a picture: letters need no more. */
const COLOURS = 40;

/** Width of a popup, and of a window that shows a page, in CSS pixels. */
const POPUP_WIDTH = 352;
const WINDOW = { width: 860, height: 600 };

/** Set is what the pictures of one language are taken of. */
interface Set {
  language: Language;
  stage: Stage;
  browser: Browser;
  reader: Reader;
  feed: Server;
}

/** take writes a page as it is shown now, light and dark, with few colours. */
async function take(page: Page, name: string, language: Language): Promise<void> {
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    await delay(250); // the picture is of the next frame
    const shot = await page.screenshot();
    const { width, height, pixels } = readPNG(Buffer.from(shot));
    writeFileSync(
      path.join(pictures, `${name}-${language}-${scheme}.png`),
      palettePNG(pixels, width, height, { colours: COLOURS }),
    );
  }
  console.log(`${name} ${language}`);
}

/**
 * popup opens the popup over a page, and takes it once it shows what is to be seen. The toolbar's own is never higher
 * than 600 pixels: for the picture it is opened once more, in a tab, where all of it is seen.
 */
async function popup(set: Set, over: Page, name: string, shown: string): Promise<void> {
  const real = await set.browser.popup(over); // which allows to look at the page
  await read(real);
  const tab = await real.evaluate(
    async () => (await chrome.tabs.query({ active: true, currentWindow: true }))[0]?.id,
  );
  await real.close();
  const page = await set.browser.open(set.browser.own(`popup.html?tab=${tab}`));
  await page.setViewport({ width: POPUP_WIDTH, height: 200 });
  await read(page);
  await until(`the popup over tab ${tab} shows ${shown}`, async () => {
    if ((await page.$(shown)) !== null) return true;
    throw new Error(JSON.stringify(await read(page)));
  });
  await delay(400); // what the companion has to say may still come
  await takeWhole(page, name, set.language, POPUP_WIDTH);
  await page.close();
}

/** takeWhole takes all of a page of ours, in a window that is as high as the page. */
async function takeWhole(page: Page, name: string, language: Language, width: number): Promise<void> {
  await page.bringToFront();
  await page.setViewport({ width, height: 2000 });
  const height = await page.evaluate(
    () => document.querySelector("main")?.getBoundingClientRect().bottom ?? 600,
  );
  await page.setViewport({ width, height: Math.ceil(height) });
  await take(page, name, language);
}

/** takeWindow takes a page of the web as a window shows it; in the dark, the page is dark as well. It is the page's last use. */
async function takeWindow(page: Page, name: string, language: Language): Promise<void> {
  await page.bringToFront();
  await page.setViewport(WINDOW);
  await page.addStyleTag({
    content: `@media (prefers-color-scheme: dark) {
      :root { color-scheme: dark; } body { background: #1c1b18; color: #e8e4da; } .by { color: #a8a294; } }`,
  });
  await take(page, name, language);
}

const article = (set: Set, index: number): string => {
  const found = set.stage.site.articles[index];
  if (found === undefined) throw new Error(`no article ${index}`);
  return set.stage.site.urlOf(found);
};

async function beginning(set: Set): Promise<void> {
  const { browser, language } = set;
  const page = await browser.open(browser.own("onboard.html"));
  await visible(page, "#connect");
  await takeWhole(page, "onboard-1-connect", language, WINDOW.width);
  await page.close();
  const read = await browser.open(article(set, 0));
  await popup(set, read, "popup-not-paired", "body[data-state=unpaired] #things li");
  await read.close();
}

async function connecting(set: Set): Promise<void> {
  const { browser, reader, stage, language } = set;
  await reader.connect();
  const read = await browser.open(article(set, 0));
  await popup(set, read, "popup-not-signed-in", "body[data-state=not_linked] #things li");
  await read.close();
  const onboard = await browser.open(browser.own("onboard.html"));
  await visible(onboard, "#step-connect[data-state=done]");
  await takeWhole(onboard, "onboard-2-sign-in", language, WINDOW.width);
  await onboard.close();
  const invite = (await stage.ledger.command(["invite", "new"])).trim();
  const ledger = await browser.open("about:blank");
  await pages.signUp(ledger, stage.ledger.origin, person, invite);
  await pages.setBudget(ledger, stage.ledger.origin, "4.00");
  await ledger.close();
  await reader.link();
  await reader.allowPages();
  const done = await browser.open(browser.own("onboard.html"));
  await visible(done, "body[data-state=done]");
  await takeWhole(done, "onboard-3-ready", language, WINDOW.width);
  await done.close();
}

// A page that names things in other ways than by buttons.
function kinds(set: Set): string {
  const url = `${set.stage.site.origin}/kinds`;
  const button = `<a class="FlattrButton" href="${url}" rev="flattr;uid:miriam;" title="Notes on slow trains">Flattr this</a>`;
  const links = `<p>Thanks to <a href="https://flattr.com/profile/miriam">Miriam</a>, to
<a href="https://flattr.com/domain/trains.example">trains.example</a>, and for
<a href="https://flattr.com/thing/4711/Timetables">the timetables</a>.</p>`;
  const head = `<link rel="monetization" href="https://wallet.example/miriam">`;
  set.stage.site.extra.set(
    "/kinds",
    frame("Notes on slow trains", `<h1>Notes on slow trains</h1>${button}${links}`, head),
  );
  return url;
}

// Old buttons in every form and size, dead without the extension.
function oldButtons(set: Set): string {
  const { origin, extra } = set.stage.site;
  const items = oldForms(origin).map(({ name, html }) => `<dt>${name}</dt><dd>${html}</dd>`);
  const style =
    "<style>dl { columns: 2; } dt { font: 14px sans-serif; } dd { margin: 0 0 12px; break-before: avoid; }</style>";
  extra.set("/old", frame("Old buttons", `<h1>Old buttons</h1><dl>${items.join("")}</dl>`, style));
  return `${origin}/old`;
}

async function reading(set: Set): Promise<void> {
  const { browser, reader, stage, language } = set;
  const seen = await reader.visit(article(set, 0));
  await takeWindow(seen, "page-button", language);
  await seen.close();
  const first = await reader.visit(article(set, 0));
  await reader.press(first);
  await popup(set, first, "popup-no-means", "#notice a");
  await stage.ledger.command(["credit", person.name, "20.00", "--ref", `pictures-${language}`]);
  for (const index of [1, 2, 3]) await reader.flattr(article(set, index));
  await first.close();
  const free = await reader.visit(article(set, 9));
  await popup(set, free, "popup-thing-to-flattr", "#things [data-standing=free]");
  await free.close();
  const flattred = await browser.open(article(set, 2));
  await popup(set, flattred, "popup-flattred", "#things [data-standing=flattred]");
  await takeWindow(flattred, "page-flattred", language);
  await flattred.close();
  const many = await browser.open(`${stage.site.origin}/`);
  await until("the badge counts", async () => (await browser.badge(many.url())) === "20");
  await delay(500);
  await takeWindow(many, "page-many-buttons", language);
  await many.close();
  const old = await reader.visit(oldButtons(set), oldForms(stage.site.origin).length);
  await reader.press(old);
  await takeWindow(old, "page-old-buttons", language);
  await old.close();
  const mixed = await browser.open(kinds(set));
  await popup(set, mixed, "popup-many-kinds", "#things li");
  await mixed.close();
}

async function emptyStates(set: Set): Promise<void> {
  const { browser, stage } = set;
  stage.site.extra.set("/plain", frame("A page without a button", "<h1>A page without a button</h1>"));
  const plain = await browser.open(`${stage.site.origin}/plain`);
  await popup(set, plain, "popup-no-button", "#share:not([hidden])");
  await plain.close();
  const version = await browser.open("chrome://version");
  await popup(set, version, "popup-not-readable", "#nothing:not([hidden])");
  await version.close();
  const ledger = await browser.open(`${stage.ledger.origin}/month`);
  await popup(set, ledger, "popup-own-page", "#nothing:not([hidden])");
  await ledger.close();
  const feed = await browser.open(`http://127.0.0.1:${(set.feed.address() as AddressInfo).port}/feed`);
  await popup(set, feed, "popup-feed", "#nothing:not([hidden])");
  await feed.close();
}

async function away(set: Set): Promise<void> {
  const { reader, stage, browser } = set;
  await stage.ledger.stop();
  const waiting = await reader.visit(article(set, 5));
  await reader.press(waiting);
  await until("the click waits for the ledger", async () => (await reader.figures(waiting)).unsent === 1);
  await popup(set, waiting, "popup-ledger-away", "[data-field=unsent]:not([hidden])");
  await stage.companion.stop();
  await waiting.close();
  const kept = await reader.visit(article(set, 6));
  await reader.press(kept);
  await popup(set, kept, "popup-companion-away", "body[data-state=away] #unsent li");
  // A companion of somebody else's state answers in its place, and does not know this browser.
  const other = await Companion.at(
    path.join(folder, `${set.language}-other`),
    stage.ledger.origin,
    stage.companion.port,
  );
  await other.start();
  await until("the companion does not know us", async () => {
    const figures = await reader.figures(kept);
    return figures.state === "unknown";
  });
  await popup(set, kept, "popup-unknown-browser", "body[data-state=unknown]");
  await other.stop();
  await takeWindow(kept, "page-kept", set.language);
  await kept.close();
  await stage.ledger.start();
  await stage.companion.start();
  const page = await browser.open(browser.own("popup.html"));
  await until("it knows us again", async () => (await read(page)).state === "ready");
  await page.close();
}

async function forbidden(set: Set): Promise<void> {
  const background = await set.browser.background();
  await background.evaluate(() => chrome.permissions.remove({ origins: ["https://*/*", "http://*/*"] }));
  const page = await set.browser.open(article(set, 8));
  await popup(set, page, "popup-permission-missing", "#allow-hint:not([hidden])");
  await page.close();
}

async function options(set: Set): Promise<void> {
  const { browser, language } = set;
  const page = await browser.open(browser.own("options.html"));
  await visible(page, "#rows tr");
  await page.evaluate(async () => {
    const settings = {
      replace: true,
      toolbarOnly: false,
      appearance: "auto",
      sitesOff: ["news.example", "forum.example:8443"],
    };
    await chrome.storage.local.set({ settings });
  });
  await visible(page, "#sites li");
  await takeWhole(page, "options", language, WINDOW.width);
  await click(page, "#search");
  await page.keyboard.type("clock");
  await delay(200);
  await takeWhole(page, "options-search", language, WINDOW.width);
  await page.close();
}

const FEED = `<?xml version="1.0"?>
<rss version="2.0"><channel><title>The Common Reader</title><link>http://127.0.0.1/</link><description>Twenty articles</description>
<item><title>Salt</title><link>http://127.0.0.1/articles/salt</link></item></channel></rss>`;

async function serveFeed(): Promise<Server> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/rss+xml" }).end(FEED);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function session(language: Language, display: Display): Promise<void> {
  const stage = await Stage.set(path.join(folder, `${language}-stage`), false);
  const feed = await serveFeed();
  const browser = await Browser.launch({
    display,
    profile: path.join(folder, `${language}-browser`),
    state: stage.companion.state,
    extension: inLanguage(language, EXTENSION, folder),
  });
  try {
    const set: Set = { language, stage, browser, feed, reader: new Reader(browser, stage, person) };
    for (const part of [beginning, connecting, reading, emptyStates, away, options, forbidden])
      await part(set);
  } finally {
    await browser.close();
    feed.close();
    await stage.close();
  }
}

async function main(): Promise<void> {
  const missing = await whatIsMissing(undefined);
  if (missing) throw new Error(missing);
  mkdirSync(pictures, { recursive: true });
  const display = await Display.start();
  try {
    for (const language of ["en", "de"] as const) {
      if (process.argv[2] === undefined || process.argv[2] === language) await session(language, display);
    }
  } finally {
    display.close();
  }
}

try {
  await main();
  rmSync(folder, { recursive: true, force: true });
} catch (error) {
  console.error(error);
  console.error(`what is left to look at: ${folder}`);
  process.exitCode = 1;
} finally {
  await stopAll();
}
process.exit();
