// Old buttons in a real Chromium: that they live again, that nobody steals a click through them, and that the page
// comes back as it was. Alone: `node .ci/e2e.mjs replace [FOLDER FOR PICTURES]`; the suite calls `replacing`.
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { Browser, click, visible, whatIsMissing } from "./browser.js";
import { sheetOf } from "./chromium.js";
import { Display } from "./display.js";
import * as pages from "./pages.js";
import { delay, stopAll, until } from "./programs.js";
import { Reader } from "./reader.js";
import { column, many, oldForms, STRICT } from "./site/buttons.js";
import { frame } from "./site/site.js";
import { Stage } from "./stage.js";
import { Suite } from "./suite.js";

/** A reader looks before clicking; what has only just come is not taken. */
const LOOK_MS = 600;

/** World is what the checks need: a reader who is connected, linked, has means and lets the extension read pages. */
export interface World {
  suite: Suite;
  stage: Stage;
  browser: Browser;
  robin: Reader;
  ledgerPage: Page; // where the reader is signed in at the ledger
  pictures?: string; // a folder for pictures to look at
}

/** replacing runs all checks in order; they leave the settings as they found them. */
export async function replacing(world: World): Promise<void> {
  for (const part of [forms, still, clicking, stealing, switching, moving, crowd, orphaned])
    await part(world);
}

async function serve(
  { stage }: World,
  name: string,
  body: string,
  head = "",
  doctype = true,
): Promise<string> {
  // A policy holds for what comes after it.
  const html = frame(name, body).replace("<head>", `<head>${head}`);
  stage.site.extra.set(`/${name}`, doctype ? html : html.replace("<!DOCTYPE html>\n", ""));
  return `${stage.site.origin}/${name}`;
}

/** shown opens a page and waits until it has so many stand-ins. */
async function shown({ browser }: World, url: string, count: number): Promise<Page> {
  const page = await browser.open(url);
  await has(page, count);
  return page;
}

async function has(page: Page, count: number): Promise<void> {
  await until(`${count} stand-ins on ${page.url()}`, async () => {
    const faces = await sheetOf(page).closed("[data-state]");
    if (faces.length === count) return true;
    throw new Error(`${faces.length}`);
  });
}

/** states are what the stand-ins show, in the order of the page. */
async function states(page: Page): Promise<string[]> {
  return (await sheetOf(page).closed("[data-state]")).map(({ data }) => data["state"] ?? "");
}

async function becomes(page: Page, index: number, ...wanted: string[]): Promise<void> {
  await until(`stand-in ${index} becomes ${wanted.join(" or ")}`, async () => {
    const found = (await states(page))[index] ?? "";
    if (wanted.includes(found)) return true;
    throw new Error(found);
  });
}

/** rows is how many clicks the ledger lists for the reader. */
async function rows({ ledgerPage, stage }: World): Promise<number> {
  return (await pages.month(ledgerPage, stage.ledger.origin)).rows.length;
}

/** events is how many events wait in the extension's outbox or were told by the companion: nothing else is a click. */
async function clicks(world: World): Promise<number> {
  const worker = await world.browser.background();
  return worker.evaluate(async () => {
    const all = await chrome.storage.local.get(null);
    const rows = (all["rows"] as { state: string }[] | undefined) ?? [];
    return rows.length + Object.keys(all).filter((key) => key.startsWith("out:")).length;
  });
}

async function line(page: Page): Promise<string> {
  const [found] = await sheetOf(page).closed(".line");
  return found?.text ?? "";
}

async function settings(world: World, settings: object): Promise<void> {
  const worker = await world.browser.background();
  await worker.evaluate(async (next) => chrome.storage.local.set({ settings: next }), settings as never);
}

async function picture(world: World, page: Page, name: string): Promise<void> {
  if (world.pictures === undefined) return;
  await page.screenshot({ path: path.join(world.pictures, `${name}.png`) as `${string}.png` });
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
  const { suite, stage, browser } = world;
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
  await pictures(world, page);
  await page.close();
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

/** Attacks by which a page tries to get a click that its reader does not mean; each leaves a target at #at. */
const ATTACKS: Readonly<Record<string, string>> = {
  "a transparent ancestor": `document.getElementById("box").style.opacity = "0.1";`,
  "a transparent filter": `document.getElementById("box").style.filter = "opacity(0.05)";`,
  "a cover that lets clicks through": `const cover = document.createElement("div"); cover.style.cssText = "position:fixed;inset:0;background:#fff;pointer-events:none;z-index:9"; document.body.append(cover); document.getElementById("box").style.opacity = "0.2";`,
  "a tiny box": `document.getElementById("box").style.cssText = "transform: scale(0.05)";`,
};

async function stealing(world: World): Promise<void> {
  const { suite, stage } = world;
  const { origin } = stage.site;
  const body = (name: string) =>
    `<div id="box"><a class="FlattrButton" href="${origin}/steal/${name}" rev="flattr;uid:mallory;">Win a prize</a></div><p id="lure">Click here to go on</p>`;
  const still = async (page: Page, before: number) => {
    assert.equal(await clicks(world), before);
    assert.deepEqual(await states(page), ["free"]);
  };
  for (const [index, [name, script]] of Object.entries(ATTACKS).entries()) {
    await suite.test(`no click through ${name}`, async () => {
      const page = await shown(world, await serve(world, `steal-${index}`, body(`${index}`)), 1);
      const before = await clicks(world);
      await page.evaluate(script);
      await delay(LOOK_MS);
      const box = await page.$eval(
        "flattr-button",
        (host) => host.getBoundingClientRect().toJSON() as DOMRect,
      );
      await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
      await still(page, before);
      await page.close();
    });
  }
  await suite.test("no click on a button that was moved under the pointer", async () => {
    const page = await shown(world, await serve(world, "steal-moved", body("moved")), 1);
    const before = await clicks(world);
    const lure = await page.$eval("#lure", (element) => element.getBoundingClientRect().toJSON() as DOMRect);
    await page.mouse.move(lure.x + 20, lure.y + 8);
    await delay(LOOK_MS);
    await page.evaluate(
      (x, y) =>
        Object.assign(document.getElementById("box")?.style ?? {}, {
          position: "fixed",
          left: `${x}px`,
          top: `${y}px`,
        }),
      lure.x,
      lure.y - 4,
    );
    await page.mouse.down();
    await page.mouse.up();
    await still(page, before);
    assert.match(await line(page), /once more/);
    await delay(LOOK_MS);
    await page.mouse.down();
    await page.mouse.up();
    await becomes(page, 0, "flattred", "waiting");
    await page.close();
  });
  await suite.test("no click on a button whose cover goes at the last moment", async () => {
    const page = await shown(world, await serve(world, "steal-cover", body("cover")), 1);
    const before = await clicks(world);
    await page.evaluate(() => {
      const cover = document.createElement("div");
      cover.id = "cover";
      cover.style.cssText = "position:fixed;inset:0;background:#fff;z-index:9";
      document.body.append(cover);
    });
    const box = await page.$eval("flattr-button", (host) => host.getBoundingClientRect().toJSON() as DOMRect);
    await page.mouse.move(box.x + 10, box.y + 8);
    await delay(LOOK_MS);
    await page.evaluate(() => document.getElementById("cover")?.remove());
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50))));
    await page.mouse.down();
    await page.mouse.up();
    await still(page, before);
    await page.close();
  });
  await suite.test("no click on a button that was made visible at the last moment", async () => {
    const page = await shown(world, await serve(world, "steal-flash", body("flash")), 1);
    const before = await clicks(world);
    await page.evaluate(() => document.getElementById("box")?.style.setProperty("opacity", "0"));
    const box = await page.$eval("flattr-button", (host) => host.getBoundingClientRect().toJSON() as DOMRect);
    await page.mouse.move(box.x + 10, box.y + 8);
    await delay(LOOK_MS);
    await page.evaluate(() => document.getElementById("box")?.style.removeProperty("opacity"));
    await page.mouse.down();
    await page.mouse.up();
    await still(page, before);
    await page.close();
  });
}

async function switching(world: World): Promise<void> {
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

async function moving(world: World): Promise<void> {
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

async function crowd(world: World): Promise<void> {
  const { suite, stage } = world;
  for (const count of [50, 1000]) {
    await suite.test(`${count} old buttons come to life, and hold no task of the page up`, async () => {
      const url = await serve(world, `many-${count}`, many(stage.site.origin, count));
      const longest: number[] = [];
      for (const replace of [false, true]) {
        await settings(world, { replace });
        const page = await world.browser.open("about:blank");
        await page.evaluateOnNewDocument(() => {
          const tasks: number[] = [];
          Object.assign(window, { tasks });
          const note = (list: PerformanceObserverEntryList) =>
            tasks.push(...list.getEntries().map(({ duration }) => duration));
          new PerformanceObserver(note).observe({ type: "longtask" });
        });
        await page.goto(url);
        await until("the badge", async () => (await world.browser.badge(url)) !== "");
        await until("the stand-ins", () => present(page, replace ? count : 0));
        longest.push(
          await page.evaluate(() => Math.max(0, ...(window as unknown as { tasks: number[] }).tasks)),
        );
        await page.close();
      }
      const [without = 0, within = 0] = longest;
      console.log(
        `         longest task without and with stand-ins, if over 50 ms: ${without}, ${within} ms`,
      );
      assert.ok(within <= without + 60);
    });
  }
}

function present(page: Page, count: number): Promise<boolean> {
  return page.evaluate((wanted) => document.querySelectorAll("flattr-button").length === wanted, count);
}

// Last, since the browser takes its permissions back when the extension is loaded anew.
async function orphaned(world: World): Promise<void> {
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

/** prepare makes a reader who can flattr: signed up with means, connected, linked, and pages allowed. */
async function prepare(stage: Stage, browser: Browser): Promise<{ robin: Reader; ledgerPage: Page }> {
  const person = { name: "robin", password: "a long walk by the river" };
  const robin = new Reader(browser, stage, person);
  const ledgerPage = await browser.open("about:blank");
  await pages.signUp(ledgerPage, stage.ledger.origin, person, await stage.invite("5.00"));
  await robin.connect();
  await robin.link();
  await robin.allowPages();
  return { robin, ledgerPage };
}

async function main(folder: string, pictures: string | undefined): Promise<void> {
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  let browser: Browser | undefined;
  const suite = new Suite(async (name) => {
    // Only the tab in front is drawn; a picture of another would be waited for in vain.
    const page = (await browser?.chromium.pages())?.at(-1);
    const file = path.join(folder, `${name.replaceAll(/\W+/g, "-")}.png`) as `${string}.png`;
    await Promise.race([page?.screenshot({ path: file }), delay(3000)]);
  });
  const missing = await whatIsMissing(undefined);
  if (missing) {
    suite.skip("old buttons in a real Chromium", missing);
    suite.close();
    return;
  }
  const stage = await Stage.set(folder, false);
  const display = await Display.start();
  try {
    browser = await Browser.launch({
      display,
      profile: path.join(folder, "browser"),
      state: stage.companion.state,
    });
    const { robin, ledgerPage } = await prepare(stage, browser);
    await replacing({
      suite,
      stage,
      browser,
      robin,
      ledgerPage,
      ...(pictures === undefined ? {} : { pictures }),
    });
  } finally {
    await browser?.close();
    display.close();
    await stage.close();
    suite.close();
  }
  if (suite.failed) console.log(`what is left to look at: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
  process.exitCode = suite.failed ? 1 : 0;
}

// Bundled alone this file is the program; in the suite's bundle it is one of its parts.
if (path.basename(process.argv[1] ?? "", ".mjs") === "replace") {
  try {
    await main(mkdtempSync(path.join(os.tmpdir(), "flattr-replace-")), process.argv[2]);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await stopAll();
  }
  process.exit();
}
