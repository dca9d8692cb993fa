// Accessibility of the pages in a real Chromium, the extension's and the ledger's in every state: axe-core over
// each, light, dark and in forced colours, in English and German; nothing wider than its window, also from right to left; a
// focus that is seen and never lost.
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import puppeteer, { type Browser as Chromium, type Page } from "puppeteer-core";
import { focus, looks, neverWider } from "./audit.js";
import { chromium, EXTENSION } from "./browser.js";
import { inLanguage, type Language } from "./language.js";
import { accessOfLedger } from "./ledger-access.js";
import { delay, root, until } from "./programs.js";
import { STATES, type State } from "./states.js";
import { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-access-"));
const WIDTHS = { "popup.html": [352, 320], "options.html": [860, 320], "onboard.html": [860, 320] } as const;

// told answers the page's questions in place of the background; it runs in the page, before the page's own script.
function told(state: State): void {
  const apis = [chrome, (globalThis as { browser?: typeof chrome }).browser].filter(
    (api) => api !== undefined,
  );
  const answers: Record<string, unknown> = {
    overview: state.overview,
    history: state.history,
    look: state.readable !== false,
  };
  const tab = { id: 7, url: state.address ?? "https://a.example/page", title: "A page" };
  for (const api of apis) {
    const stand = {
      sendMessage: async ({ kind }: { kind: string }) => ({ ok: true, value: answers[kind] }),
    };
    Object.assign(api.runtime, stand);
    Object.assign(api.tabs, { query: async () => [tab] });
    Object.assign(api.scripting, { executeScript: async () => [{ result: state.feed === true }] });
    const stored = state.ledger === undefined ? {} : { ledger: state.ledger };
    Object.assign(api.storage.local, { get: async () => stored });
  }
}

async function show(browser: Chromium, id: string, state: State): Promise<Page> {
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(told, state);
  await page.setViewport({ width: WIDTHS[state.page][0], height: 600 });
  await page.goto(`chrome-extension://${id}/${state.page}`);
  if (state.press !== undefined) await page.click(state.press);
  await page.waitForSelector(state.shown, { timeout: 5000 });
  await delay(100);
  return page;
}

// The popup draws itself anew at every change: the focus stays on the same button of the same thing.
async function repaint(browser: Chromium, id: string, suite: Suite): Promise<void> {
  const state = STATES.find(({ name }) => name === "things");
  assert.ok(state);
  await suite.test("the focus is where it was after the popup was drawn anew", async () => {
    const page = await show(browser, id, state);
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.closest("li")?.dataset["key"] ?? document.activeElement?.tagName ?? "",
      );
    await page.focus("#things li:nth-child(3) button");
    const before = await focused();
    // The first thing goes away, and the one with the focus can no longer be undone.
    await page.evaluate((overview) => {
      const things = overview.things
        .slice(1)
        .map((one, index) => (index === 1 ? { ...one, undoable: false } : one));
      for (const api of [chrome, (globalThis as { browser?: typeof chrome }).browser])
        if (api !== undefined)
          Object.assign(api.runtime, {
            sendMessage: async () => ({ ok: true, value: { ...overview, things } }),
          });
      document.querySelector<HTMLElement>("#things li:nth-child(2) button")?.click();
    }, state.overview);
    await until("the list is one shorter", () => page.$$eval("#things li", (all) => all.length === 6));
    const after = await focused();
    assert.notEqual(after, "BODY");
    assert.ok(before.includes("a.example/3"), before);
    await page.close();
  });
}

// The six faces of the toolbar button, as the extension draws them, told apart by those who see no colours.
async function faces(browser: Chromium, suite: Suite): Promise<void> {
  await suite.test("each face of the toolbar button has a shape of its own, at 16 pixels", async () => {
    const { outputFiles } = await build({
      entryPoints: [path.join(root, "extension", "src", "background", "face.ts")],
      bundle: true,
      write: false,
      format: "iife",
      globalName: "face",
    });
    const page = await browser.newPage();
    await page.evaluate(`${outputFiles[0]?.text ?? ""}; globalThis.face = face; undefined`);
    const same = await page.evaluate(() => {
      const scope = globalThis as unknown as { face: { imagesOf(face: string): Record<number, ImageData> } };
      const names = ["idle", "found", "flattred", "waiting", "away", "unpaired"];
      const alphas = names.map((name) =>
        (scope.face.imagesOf(name)[16]?.data ?? []).filter((_, at) => at % 4 === 3),
      );
      const differ = (one: ArrayLike<number>, other: ArrayLike<number>): number =>
        [...Array(256).keys()].filter((at) => Math.abs((one[at] ?? 0) - (other[at] ?? 0)) > 100).length;
      return names.flatMap((name, one) =>
        names.slice(one + 1).flatMap((other, rest) => {
          const pixels = differ(alphas[one] ?? [], alphas[one + 1 + rest] ?? []);
          return pixels < 16 ? [`${name} and ${other} differ in ${pixels} of 256 pixels`] : [];
        }),
      );
    });
    assert.deepEqual(same, []);
    await page.close();
  });
}

async function inOneLanguage(language: Language, suite: Suite): Promise<void> {
  const executablePath = chromium();
  assert.ok(executablePath);
  const browser = await puppeteer.launch({
    browser: "chrome",
    executablePath,
    headless: true,
    pipe: true,
    enableExtensions: true,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
  try {
    const id = await browser.installExtension(inLanguage(language, EXTENSION, folder));
    const withFocus = new Set<string>();
    for (const state of STATES) {
      const name = `${language}: ${state.page.replace(".html", "")}, ${state.name}`;
      let page: Page | undefined;
      await suite.test(`${name}: is shown`, async () => {
        page = await show(browser, id, state);
        assert.equal(await page.evaluate(() => document.documentElement.lang), language);
      });
      if (page === undefined) continue;
      await looks(page, name, suite);
      await neverWider(page, WIDTHS[state.page], name, suite);
      if (!withFocus.has(state.page) || state.name === "things") await focus(page, name, suite);
      withFocus.add(state.page);
      await page.close();
    }
    await repaint(browser, id, suite);
    if (language === "en") await faces(browser, suite);
  } finally {
    await browser.close();
  }
}

const suite = new Suite(async () => {});
try {
  if (chromium() === undefined)
    suite.skip("accessibility in Chromium", "no browser here: sudo apt-get install chromium");
  else {
    for (const language of ["en", "de"] as const) await inOneLanguage(language, suite);
    await accessOfLedger(suite, path.join(folder, "ledger"));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
  suite.close();
}
process.exit(suite.failed ? 1 : 0);
