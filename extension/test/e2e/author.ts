// An author and a reader who has no extension, by their own clicks in a real Chromium: the author copies a button into a
// page, proves that the page is theirs, the reader clicks it, signs in and flattrs, and the author's profile counts it.
// Then the same page in Firefox.
import { strict as assert } from "node:assert";
import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { text, type } from "./browser.js";
import { Firefox, firefoxIsMissing } from "./firefox.js";
import * as pages from "./pages.js";
import { author, copied, follow, type Published, reader, submit } from "./published.js";
import { inPublished } from "./published-suite.js";
import { frame } from "./site/site.js";
import type { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-author-"));

/** within is how far a drawing's letters go beyond its box on each side, in pixels; nothing where all is inside. */
function beyond(): number[] {
  return [...document.querySelectorAll("main a svg, body > a svg, p > a svg")].flatMap((svg) => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("path, text")].flatMap((part) => {
      const own = part.getBoundingClientRect();
      const out = [box.left - own.left, own.right - box.right, box.top - own.top, own.bottom - box.bottom];
      return out.filter((pixels) => pixels > 0.5);
    });
  });
}

async function story(suite: Suite, set: Published): Promise<void> {
  const { ledger, site } = set;
  const url = `${site.origin}/essay`;
  const title = `"Peat" & <moss>`;
  const miriam = await set.join(await set.visitor(), author, "0.00");
  let link = "";

  await suite.test("the author finds the configurator and is shown a button", async () => {
    await follow(miriam, "Buttons for your pages");
    assert.equal(await miriam.$eval("#user", (field) => (field as HTMLInputElement).value), author.name);
    await type(miriam, "#url", url);
    await type(miriam, "#title", title);
    await miriam.click("input[value=compact]");
    await miriam.select("#language", "en_GB");
    await submit(miriam, "#choose button[type=submit]");
    const box = await miriam.$eval(".looks svg", (svg) => svg.getBoundingClientRect().toJSON());
    assert.deepEqual([box.width, box.height], [110, 20]);
    assert.deepEqual(await miriam.evaluate(beyond), []);
  });
  await suite.test(
    "what they copy into a page asks nobody for anything, and nothing of it is cut off",
    async () => {
      link = await copied(miriam, "link");
      const head = `${await copied(miriam, "head")}${await copied(miriam, "meta")}`;
      site.extra.set("/essay", frame("Essay", `<h1>Essay</h1><p>${link}</p>`, head));
      const asked: string[] = [];
      const page = await (await set.visitor()).newPage();
      page.on("request", (request) => asked.push(request.url()));
      for (const scheme of ["light", "dark"]) {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.goto(url, { waitUntil: "networkidle0" });
        assert.deepEqual(await page.evaluate(beyond), []);
      }
      assert.deepEqual([...new Set(asked.filter((one) => !one.startsWith("data:")))], [url]);
      assert.equal((await page.browserContext().cookies()).length, 0);
      await page.close();
    },
  );
  await suite.test("the author has the page checked, and it is theirs", async () => {
    await follow(miriam, "Once it stands there, have the page checked.");
    await submit(miriam, "#claim button[type=submit]");
    assert.match(
      await text(miriam, "main"),
      /moss\.test:\d+\/essay proved You are named by: the head of the page/,
    );
  });
  await suite.test("a reader without the extension clicks the button, signs in and flattrs", async () => {
    const context = await set.visitor();
    const joined = await set.join(await set.visitor(), reader, "5.00");
    await joined.close();
    const robin = await context.newPage();
    await robin.goto(url);
    await submit(robin, "p > a > svg");
    assert.equal(new URL(robin.url()).pathname, "/submit/auto");
    assert.match(await text(robin, "main"), /^"Peat" & <moss> .* by miriam Nobody has flattred this yet\./);
    assert.equal((await context.cookies()).length, 0, "a visitor who only looks has a cookie");
    await submit(robin, "#enter button:first-of-type");
    await pages.fillSignIn(robin, reader);
    assert.equal(new URL(robin.url()).pathname, "/submit/auto");
    await submit(robin, "#flattr button[type=submit]");
    assert.match(
      await text(robin, "main"),
      /^Flattred\. It is worth €2\.00 so far this month\..* Flattred once\./,
    );
    await follow(robin, author.name);
    assert.match(await text(robin, "#things ~ table"), /"Peat" & <moss> moss\.test:\d+\/essay 1/);
    await robin.close();
  });
  await suite.test("the author's profile and revenue show the click", async () => {
    await follow(miriam, "Profile");
    await follow(miriam, "See your page");
    assert.match(await text(miriam, "#things ~ table"), /"Peat" & <moss> moss\.test:\d+\/essay 1/);
    await follow(miriam, "My revenue");
    assert.match(await text(miriam, ".preview"), /€2\.00/);
  });
  await suite.test("everything of an author is reached from there by two clicks", async () => {
    for (const [clicks, heading] of [
      [["Sites"], "Your sites"],
      [["My revenue", "My things"], "My things"],
      [["My revenue", "Payout"], "Payout"],
      [["My revenue", "A word of thanks"], "A word of thanks"],
      [["Settings", "Devices and applications"], "Devices and applications"],
      [["Register an application"], "Applications of your own"],
      [["API reference"], "REST API v2"],
    ] as const) {
      await miriam.goto(`${ledger.origin}/month`);
      for (const words of clicks) await follow(miriam, words);
      assert.equal(await text(miriam, "h1"), heading);
    }
  });
  await old(suite, set, url);
}

/** old is a page whose old loader is served by the ledger: its frame counts, and leads to the thing. */
async function old(suite: Suite, set: Published, url: string): Promise<void> {
  await suite.test("an old button of the same page counts the click and leads to the thing", async () => {
    const { ledger, site } = set;
    const button = `<a class="FlattrButton" href="${url}" rev="flattr;uid:miriam;button:compact;"></a>`;
    const loader = `<script src="${ledger.origin}/js/0.6/load.js?mode=auto"></script>`;
    site.extra.set("/old", frame("Old", `<h1>Old</h1>${button}${loader}`));
    const page = await (await set.visitor()).newPage();
    await page.goto(`${site.origin}/old`, { waitUntil: "networkidle0" });
    const inside = await (await page.waitForSelector("iframe.FlattrButton"))?.contentFrame();
    assert.equal(await inside?.$eval("b", (count) => count.textContent), "1");
    await submit(page, "iframe.FlattrButton");
    assert.match(new URL(page.url()).pathname, /^\/thing\/\d+$/);
    assert.match(await text(page, "main"), /by miriam Flattred once\./);
    assert.equal((await page.browserContext().cookies()).length, 0);
  });
}

/** inFirefox shows the page with the copied button there: a drawing is as large, and as whole, as in Chromium. */
async function inFirefox(suite: Suite, { site, ledger }: Published): Promise<void> {
  const missing = firefoxIsMissing();
  if (missing) return suite.skip("an author's button in Firefox", missing);
  const browser = await Firefox.launch({
    folder: path.join(folder, "firefox"),
    state: path.join(folder, "no-companion"),
  });
  try {
    await suite.test("the copied button is whole in Firefox, too, and leads to the thing", async () => {
      const sheet = await browser.open(`http://127.0.0.1:${site.port}/essay`);
      assert.deepEqual(await sheet.run(beyond), []);
      const [width, height, href] = await sheet.run(() => {
        const svg = document.querySelector("p > a > svg");
        const box = svg?.getBoundingClientRect();
        return [box?.width, box?.height, svg?.closest("a")?.href] as const;
      });
      assert.deepEqual([width, height], [110, 20]);
      assert.ok(href?.startsWith(`${ledger.origin}/submit/auto?url=`), href);
      await sheet.click("p > a > svg");
      await sheet.visible("#enter");
      assert.match(
        await sheet.run(() => document.querySelector("main h1")?.textContent ?? ""),
        /^"Peat" & <moss>$/,
      );
    });
  } finally {
    await browser.close();
  }
}

await inPublished("an author's button in Chromium", folder, async (suite, set) => {
  await story(suite, set);
  await inFirefox(suite, set);
});
