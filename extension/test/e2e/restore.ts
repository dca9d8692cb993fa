// Stand-ins come and go: by the reader's switches, with the page's own buttons, and with the extension.
import { strict as assert } from "node:assert";
import type { Page } from "puppeteer-core";
import { click } from "./browser.js";
import { until } from "./programs.js";
import { many } from "./site/buttons.js";
import { frame } from "./site/site.js";
import { clicks, has, serve, settings, shown, type World } from "./standins.js";

/** switching tries the switches. */
export async function switching(world: World): Promise<void> {
  const { suite, stage } = world;
  const { origin, port } = stage.site;
  const html = `<p id="all"><a class="FlattrButton" style="color: red;display:inline-block" href="${origin}/switch/1" rev="flattr;uid:ann;">One</a>
<a class="FlattrButton" style="display:none;" href="${origin}/switch/2" rev="flattr;uid:ann;">Two</a><a class="FlattrButton" href="${origin}/switch/3">Three</a></p>`;
  const url = await serve(world, "switch", html);
  const page = await shown(world, url, 3);
  const held = () => page.$eval("#all", (element) => element.outerHTML);
  const cases: readonly [string, object][] = [
    ["the one switch", { replace: false }],
    ["the site's own", { sitesOff: [`127.0.0.1:${port}`] }],
    ["toolbar only", { toolbarOnly: true }],
  ];
  for (const [name, off] of cases) {
    await suite.test(
      `switched off by ${name}, the page is exactly as it was; switched on, the buttons live`,
      async () => {
        await settings(world, off);
        await has(page, 0);
        assert.equal(await held(), html);
        await settings(world, {});
        await has(page, 3);
      },
    );
  }
  await suite.test("where the site is off, a click is the page's", async () => {
    await settings(world, { sitesOff: [`127.0.0.1:${port}`] });
    await has(page, 0);
    const before = await clicks(world);
    stage.site.extra.set("/switch/1", frame("One", "<p>The page.</p>"));
    await Promise.all([page.waitForNavigation(), click(page, ".FlattrButton")]);
    assert.equal(page.url(), `${origin}/switch/1`);
    assert.equal(await clicks(world), before);
    await settings(world, {});
  });
  await page.close();
}

/** moving has the page move its buttons about. */
export async function moving(world: World): Promise<void> {
  const { suite, stage } = world;
  const body = `<div id="a"><a class="FlattrButton" href="${stage.site.origin}/move/1" rev="flattr;uid:ann;">One</a></div><div id="b"><a href="/">another link</a></div>`;
  const url = await serve(world, "move", body);
  const one = async (page: Page, where: string) => {
    await until(`one stand-in ${where}`, () =>
      page.evaluate((selector) => {
        const hosts = document.querySelectorAll("flattr-button");
        const next = hosts[0]?.nextElementSibling as HTMLElement | null;
        const hidden = next !== null && getComputedStyle(next).display === "none";
        return hosts.length === 1 && hidden && hosts[0]?.closest(selector) !== null;
      }, where),
    );
    await has(page, 1);
  };
  await suite.test(
    "a button that the page moves, copies, hides or takes away keeps one stand-in, or none",
    async () => {
      const page = await shown(world, url, 1);
      await page.evaluate(() =>
        document.getElementById("b")?.prepend(document.querySelector(".FlattrButton") ?? ""),
      );
      await one(page, "#b");
      await page.evaluate(() => {
        const b = document.getElementById("b");
        if (b) b.innerHTML = `${b.innerHTML}`; // a copy of everything, stand-in and all
      });
      await one(page, "#b");
      await page.evaluate(() => document.querySelector("flattr-button")?.remove());
      await one(page, "#b");
      await page.evaluate(() => document.querySelector(".FlattrButton")?.remove());
      await has(page, 0);
      assert.equal(await page.evaluate(() => document.querySelectorAll("flattr-button").length), 0);
      await page.close();
    },
  );
}

/** No task of the page may make more stand-ins than this: between two helpings the page has its turn. */
const MAX_IN_A_TASK = 50;

/** crowd has pages of many buttons; how long that takes is for the benchmark to say, on a machine that is quiet. */
export async function crowd(world: World): Promise<void> {
  const { suite, stage, browser } = world;
  for (const count of [50, 1000]) {
    await suite.test(`${count} old buttons come to life, and the page has its turn meanwhile`, async () => {
      const url = await serve(world, `many-${count}`, many(stage.site.origin, count));
      const page = await browser.open("about:blank");
      await page.evaluateOnNewDocument(() => {
        const made: number[] = [];
        Object.assign(window, { made });
        new MutationObserver((changes) => {
          const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
          made.push(added.filter(({ nodeName }) => nodeName === "FLATTR-BUTTON").length);
        }).observe(document, { childList: true, subtree: true });
      });
      await page.goto(url);
      await has(page, count);
      const made = await page.evaluate(() => (window as unknown as { made: number[] }).made);
      assert.equal(
        made.reduce((sum, some) => sum + some, 0),
        count,
      );
      assert.ok(Math.max(...made) <= MAX_IN_A_TASK, `${Math.max(...made)} at once`);
      await page.close();
    });
  }
}

/** orphaned comes last: the browser takes its permissions back when the extension is loaded anew. */
export async function orphaned(world: World): Promise<void> {
  const { suite, browser, stage } = world;
  await suite.test("a script whose extension is gone restores the page and removes itself", async () => {
    const html = `<p id="all"><a class="FlattrButton" href="${stage.site.origin}/orphan/1" rev="flattr;uid:ann;">One</a></p>`;
    stage.site.extra.set("/orphan/1", frame("One", "<p>The page.</p>"));
    const page = await shown(world, await serve(world, "orphan", html), 1);
    const worker = await browser.background();
    void worker.evaluate(() => chrome.runtime.reload()).catch(() => {});
    await page.mouse.move(200, 200);
    await until("the page is as it was", async () => {
      await page.mouse.move(200 + Math.random() * 50, 200);
      return (await page.$eval("#all", (element) => element.outerHTML)) === html;
    });
    assert.equal(
      await page.evaluate(() => document.querySelectorAll("flattr-button, flattr-line").length),
      0,
    );
    await Promise.all([page.waitForNavigation(), click(page, ".FlattrButton")]);
    assert.equal(page.url(), `${stage.site.origin}/orphan/1`);
    await page.close();
  });
}
