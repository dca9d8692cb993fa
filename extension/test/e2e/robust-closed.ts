// What is closed: the extension's own store to pages' processes, private windows to it; closed roots of a page open to
// it, when the reader asks.
import { strict as assert } from "node:assert";
import { ChromiumHands } from "./chromium.js";
import { delay } from "./programs.js";
import { BUTTON } from "./reader.js";
import { frame } from "./site/site.js";
import type { Trial } from "./trial.js";

/** Long enough for the content script to begin: it does so before the page is shown. */
const QUIET_MS = 1500;

export async function closed({ suite, hands, robin, books, stage }: Trial): Promise<void> {
  await suite.test(`${hands.name}: in private windows there is no extension`, async () => {
    const manifest = await hands.inside(() => chrome.runtime.getManifest());
    assert.equal(manifest.incognito, "not_allowed");
    if (!(hands instanceof ChromiumHands)) return;
    const context = await hands.browser.chromium.createBrowserContext();
    const page = await context.newPage();
    await page.goto(books.next(), { waitUntil: "domcontentloaded" });
    await delay(QUIET_MS); // there is nothing to wait for: that nothing comes is the test
    assert.equal(await page.$("flattr-button"), null);
    await page.click(BUTTON.split(", ").slice(1).join(", "));
    await delay(QUIET_MS);
    assert.deepEqual(await robin.kept(), []);
    await context.close();
  });
  await suite.test(
    `${hands.name}: what a page keeps in a closed root is found when the reader asks`,
    async () => {
      const link = "<a href='https://flattr.com/thing/4711'><img alt='Flattr'></a>";
      const script = `document.body.firstElementChild.attachShadow({ mode: "closed" }).innerHTML = "${link}"`;
      stage.site.extra.set("/closed", frame("Closed", `<div></div><script>${script}</script>`));
      const url = `${stage.site.origin}/closed`;
      const sheet = await hands.open(url);
      await delay(QUIET_MS);
      assert.equal(await robin.badge(url), "");
      await hands.inside(async (wanted) => {
        const tab = (await chrome.tabs.query({})).find((each) => each.url === wanted);
        await chrome.tabs.sendMessage(tab?.id ?? -1, { kind: "look" });
      }, url);
      await robin.counted(url, 1);
      await sheet.close();
    },
  );
  if (!(hands instanceof ChromiumHands)) {
    // The day this turns red, the browser can do it, and the extension does.
    await suite.test(`${hands.name}: this browser cannot close the store to pages' processes`, async () => {
      assert.equal(await hands.inside(() => typeof chrome.storage.local.setAccessLevel), "undefined");
    });
    return;
  }
  await suite.test(`${hands.name}: a page's process cannot read what the reader did`, async () => {
    const page = await hands.browser.open(books.next());
    const session = await page.createCDPSession();
    const worlds: { id: number; origin: string }[] = [];
    session.on("Runtime.executionContextCreated", ({ context }) => worlds.push(context));
    await session.send("Runtime.enable");
    const world = worlds.find(({ origin }) => origin === hands.own("").slice(0, -1));
    assert.ok(world, "the content script runs in no world of its own");
    const read = async (area: string) => {
      const { result } = await session.send("Runtime.evaluate", {
        contextId: world.id,
        expression: `chrome.storage.${area}.get(null).then((all) => Object.keys(all).join(" "), (error) => "refused: " + error)`,
        awaitPromise: true,
      });
      return String(result.value);
    };
    assert.match(await read("local"), /^refused: /);
    assert.equal(await read("session"), "given");
    await page.close();
  });
}
