// Old buttons in a real Chromium: that they live again, take a reader's clicks, and tell the page nothing.
import { strict as assert } from "node:assert";
import type { Page } from "puppeteer-core";
import { click, visible } from "./browser.js";
import { sheetOf } from "./chromium.js";
import { delay, until } from "./programs.js";
import { crowd, moving, orphaned, switching } from "./restore.js";
import { column, oldForms, STRICT } from "./site/buttons.js";
import { frame } from "./site/site.js";
import {
  becomes,
  clicks,
  has,
  LOOK_MS,
  line,
  picture,
  rows,
  serve,
  settings,
  shown,
  states,
  type World,
} from "./standins.js";
import { stealing } from "./steal.js";

/** replacing runs all checks in order; they leave the settings as they found them. */
export async function replacing(world: World): Promise<void> {
  for (const part of [forms, still, clicking, stealing, switching, moving, crowd, orphaned])
    await part(world);
}

async function forms(world: World): Promise<void> {
  const { suite, stage, browser } = world;
  const buttons = oldForms(stage.site.origin);
  for (const [mode, doctype] of [
    ["standards", true],
    ["quirks", false],
  ] as const) {
    await suite.test(
      `every old form has a stand-in of its size, under the strictest policy (${mode})`,
      async () => {
        const url = await serve(world, `forms-${mode}`, column(buttons), STRICT, doctype);
        const page = await shown(world, url, buttons.length);
        const faces = await sheetOf(page).closed("[data-state]");
        for (const [index, { name, size }] of buttons.entries()) {
          const { width, height } = faces[index] ?? { width: 0, height: 0 };
          if (size) assert.deepEqual([width, height], size, name);
          else assert.ok(width >= 55 && height >= 14, `${name}: ${width} x ${height}`);
        }
        assert.deepEqual(
          await states(page),
          buttons.map(() => "free"),
        );
        await picture(world, page, `forms-${mode}`);
        await page.close();
      },
    );
  }
  await suite.test(
    "the page learns nothing: no root, no attribute, and a script's click does nothing",
    async () => {
      const page = await shown(world, `${stage.site.origin}/forms-standards`, buttons.length);
      const before = await clicks(world);
      await delay(LOOK_MS); // whatever else would turn such a click away, it is not that the button has just come
      const learnt = await page.evaluate(() => {
        const hosts = [...document.querySelectorAll<HTMLElement>("flattr-button")];
        for (const host of hosts) {
          host.click();
          host.dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true, cancelable: true }));
          host.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
        }
        return hosts.map((host) => [host.shadowRoot, host.attributes.length, host.childNodes.length]);
      });
      assert.deepEqual(
        learnt,
        buttons.map(() => [null, 0, 0]),
      );
      assert.deepEqual(
        await states(page),
        buttons.map(() => "free"),
      );
      assert.equal(await clicks(world), before);
      await page.close();
    },
  );
  await suite.test("a stand-in asks nothing of anybody", async () => {
    const url = await serve(world, "quiet", column(buttons.filter(({ name }) => !/frame|global/.test(name))));
    const page = await browser.open("about:blank");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(url);
    await has(page, 4);
    await page.mouse.move(60, 60);
    assert.deepEqual(
      asked.filter((address) => !address.startsWith("data:")),
      [url],
    );
    await page.close();
  });
}

const STILL = `<style>.b { display: block; width: 120px; margin: 8px auto; padding: 4px } .f { float: right; margin: 3px }
 .i { display: inline-block; padding: 6px 16px; border: 1px solid } .x { display: flex; gap: 8px } .a { position: absolute; right: 0; top: 0 }
 .big { font-size: 30px; line-height: 2 }</style>`;

async function still(world: World): Promise<void> {
  const { suite, stage } = world;
  await suite.test("nothing in the page moves, whatever stands around the button", async () => {
    const one = (style: string, index: number) =>
      `<a class="FlattrButton ${style}" href="${stage.site.origin}/still/${index}" rev="flattr;uid:ann;">Flattr this</a>`;
    const cases = ["", "b", "f", "i", "a", "big"].map(
      (style, index) => `<p>Text before ${one(style, index)} and after.</p><p>Next</p>`,
    );
    const body = `${cases.join("\n")}<div class="x"><span>flex</span>${one("", 90)}<span>end</span></div><table><tr><td>${one("", 91)}<td>cell</table><p id="last">Last</p>`;
    const url = await serve(world, "still", body, STILL);
    await settings(world, { replace: false });
    const page = await world.browser.open(url);
    await until("the badge", async () => (await world.browser.badge(url)) === "8");
    const read = (selector: string) =>
      page.evaluate((wanted) => {
        const boxes = [...document.querySelectorAll(wanted)].map((element) =>
          element.getBoundingClientRect(),
        );
        return boxes.map(({ x, y, width, height }) =>
          [x, y, width, height].map((side) => Math.round(side * 10) / 10),
        );
      }, selector);
    const before = { buttons: await read("a.FlattrButton"), rest: await read("p, span, td, h1") };
    await page.evaluate(() => {
      Object.assign(window, { shifted: 0 });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
          Object.assign(window, {
            shifted:
              (window as unknown as { shifted: number }).shifted +
              (entry as unknown as { value: number }).value,
          });
      }).observe({ type: "layout-shift" });
    });
    await settings(world, {});
    await has(page, 8);
    assert.deepEqual(await read("flattr-button"), before.buttons);
    assert.deepEqual(await read("p, span, td, h1"), before.rest);
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100))),
    );
    assert.equal(await page.evaluate(() => (window as unknown as { shifted: number }).shifted), 0);
    await picture(world, page, "still");
    await page.close();
  });
}

async function clicking(world: World): Promise<void> {
  const { suite, stage } = world;
  const { origin } = stage.site;
  const a = (name: string) =>
    `<a class="FlattrButton" href="${origin}/click/${name}" rev="flattr;uid:ann;" title="Thing ${name}">Flattr this</a>`;
  const url = await serve(
    world,
    "clicks",
    `<p>${a("one")}</p><p>${a("two")}</p><p>${a("three")}</p><p>${a("one")}</p>`,
  );
  const page = await shown(world, url, 4);
  await suite.test("a click shows within a frame, and on every button of the same thing", async () => {
    const before = await rows(world);
    await click(page, "flattr-button");
    assert.deepEqual(await states(page), ["flattred", "free", "free", "flattred"]);
    await until("the ledger lists it", async () => (await rows(world)) === before + 1);
    await page.bringToFront();
    await becomes(page, 0, "flattred");
  });
  await suite.test("a second click sends nothing and offers to undo", async () => {
    const before = await clicks(world);
    await click(page, "flattr-button");
    assert.match(await line(page), /Undo\?/);
    assert.equal(await clicks(world), before);
  });
  await suite.test("undo in the page frees it again", async () => {
    const [undo] = await sheetOf(page).closed("[data-action=undo]");
    assert.ok(undo && undo.height > 0);
    await page.mouse.click(undo.x + undo.width / 2, undo.y + undo.height / 2);
    await becomes(page, 0, "free");
    await becomes(page, 3, "free");
  });
  await keysAndTabs(world, page, url);
  await pictures(world, page);
  await page.close();
}

async function keysAndTabs(world: World, page: Page, url: string): Promise<void> {
  const { suite, stage, browser } = world;
  const { origin } = stage.site;
  await suite.test("the keyboard reaches and works it, and focus can be seen", async () => {
    const before = await rows(world);
    await page.bringToFront();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.mouse.click(5, 700); // the sequence of the keyboard starts from here
    await page.focus("body");
    for (let tries = 0; tries < 12; tries++) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() =>
        [...document.querySelectorAll("flattr-button")].indexOf(document.activeElement as Element),
      );
      if (at === 1) break;
    }
    await picture(world, page, "focus");
    await delay(LOOK_MS);
    await page.keyboard.press("Enter");
    await becomes(page, 1, "flattred", "waiting");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await becomes(page, 2, "flattred", "waiting");
    await until("the ledger lists both", async () => (await rows(world)) === before + 2);
    await page.bringToFront();
  });
  await suite.test(
    "a modified or middle click opens the page of the thing, and flattrs nothing",
    async () => {
      const before = await clicks(world);
      stage.site.extra.set("/click/one", frame("One", "<p>The page itself.</p>"));
      for (const how of ["Control", "middle"] as const) {
        await page.bringToFront();
        const opened = browser.chromium.waitForTarget((target) => target.url() === `${origin}/click/one`, {
          timeout: 5000,
        });
        const element = await visible(page, "flattr-button");
        await delay(LOOK_MS);
        if (how === "Control") await page.keyboard.down("Control");
        await element.click(how === "middle" ? { button: "middle" } : {});
        if (how === "Control") await page.keyboard.up("Control");
        await (await (await opened).page())?.close();
      }
      assert.equal(await clicks(world), before);
      await page.bringToFront();
      assert.equal((await states(page))[0], "free");
    },
  );
  await suite.test("another tab hears of it, and a page opened later knows", async () => {
    const other = await shown(world, url, 4);
    await until("it knows", async () => (await states(other)).join() === "free,flattred,flattred,free");
    await click(other, "flattr-button");
    await becomes(other, 0, "flattred");
    await page.bringToFront();
    await becomes(page, 0, "flattred");
    await other.close();
  });
  await suite.test(
    "a page can neither search what its stand-ins show nor measure that it changed",
    async () => {
      const other = await shown(world, url, 4);
      await until("it knows", async () => (await states(other)).includes("flattred"));
      await other.bringToFront();
      const learnt = await other.evaluate(async () => {
        // Of what shifts in a shadow root, the browser tells the place, and no node.
        const inside: unknown[] = [];
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as { sources?: { node: unknown }[] }[])
            inside.push(...(entry.sources ?? []).filter(({ node }) => node === null));
        }).observe({ type: "layout-shift", buffered: true });
        await new Promise((resolve) => setTimeout(resolve, 500));
        const { find }: { find?: (text: string) => boolean } = window as never;
        return [find?.("Flattred"), inside.length];
      });
      assert.deepEqual(learnt, [false, 0]);
      await other.close();
    },
  );
}

async function pictures(world: World, page: Page): Promise<void> {
  if (world.pictures === undefined) return;
  const head = `<style>:root { color-scheme: light dark !important } body { background: Canvas !important; color: CanvasText !important }
 .FlattrButton[hidden] { display: none !important }</style>`;
  const { origin } = world.stage.site;
  const buttons = oldForms(origin);
  const url = await serve(world, "look", column(buttons), head);
  const look = await shown(world, url, buttons.length);
  for (const scheme of ["light", "dark"]) {
    await look.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await picture(world, look, `look-${scheme}`);
  }
  await look.close();
  await page.bringToFront();
}
