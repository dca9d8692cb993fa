// Pages that try to get a click which their reader does not mean.
import { strict as assert } from "node:assert";
import type { Page } from "puppeteer-core";
import { delay } from "./programs.js";
import { becomes, clicks, LOOK_MS, line, serve, shown, states, type World } from "./standins.js";

/** Attacks by which a page tries to get a click that its reader does not mean; each is a script of the page. */
const ATTACKS: Readonly<Record<string, string>> = {
  "a transparent ancestor": `document.getElementById("box").style.opacity = "0.1";`,
  "a transparent filter": `document.getElementById("box").style.filter = "opacity(0.05)";`,
  "a cover": `const cover = document.createElement("div"); cover.style.cssText = "position:fixed;inset:0;z-index:9"; document.body.append(cover);`,
  "a tiny box": `document.getElementById("box").style.cssText = "transform: scale(0.05)";`,
};

function body(origin: string, name: string): string {
  const button = `<a class="FlattrButton" href="${origin}/steal/${name}" rev="flattr;uid:mallory;">Win a prize</a>`;
  return `<div id="box">${button}</div><p id="lure">Click here to go on</p>`;
}

async function untouched(world: World, page: Page, before: number): Promise<void> {
  assert.equal(await clicks(world), before);
  assert.deepEqual(await states(page), ["free"]);
}

/** stealing tries the attacks one by one. */
export async function stealing(world: World): Promise<void> {
  const { suite, stage } = world;
  const { origin } = stage.site;
  for (const [index, [name, script]] of Object.entries(ATTACKS).entries()) {
    await suite.test(`no click through ${name}`, async () => {
      const page = await shown(world, await serve(world, `steal-${index}`, body(origin, `${index}`)), 1);
      const before = await clicks(world);
      await page.evaluate(script);
      await delay(LOOK_MS);
      const box = await page.$eval(
        "flattr-button",
        (host) => host.getBoundingClientRect().toJSON() as DOMRect,
      );
      await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
      await untouched(world, page, before);
      await page.close();
    });
  }
  await suite.test("no click on a button that was moved under the pointer", async () => {
    const page = await shown(world, await serve(world, "steal-moved", body(origin, "moved")), 1);
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
    await untouched(world, page, before);
    assert.match(await line(page), /once more/);
    await delay(LOOK_MS);
    await page.mouse.down();
    await page.mouse.up();
    await becomes(page, 0, "flattred", "waiting");
    await page.close();
  });
  await late(world);
}

/** late tries what shows a button, or takes a cover from it, at the last moment. */
async function late(world: World): Promise<void> {
  const { suite } = world;
  await suite.test("no click on a button whose cover goes at the last moment", async () => {
    const page = await shown(
      world,
      await serve(world, "steal-cover", body(world.stage.site.origin, "cover")),
      1,
    );
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
    await untouched(world, page, before);
    await page.close();
  });
  await suite.test("no click on a button that was made visible at the last moment", async () => {
    const page = await shown(
      world,
      await serve(world, "steal-flash", body(world.stage.site.origin, "flash")),
      1,
    );
    const before = await clicks(world);
    await page.evaluate(() => document.getElementById("box")?.style.setProperty("opacity", "0"));
    const box = await page.$eval("flattr-button", (host) => host.getBoundingClientRect().toJSON() as DOMRect);
    await page.mouse.move(box.x + 10, box.y + 8);
    await delay(LOOK_MS);
    await page.evaluate(() => document.getElementById("box")?.style.removeProperty("opacity"));
    await page.mouse.down();
    await page.mouse.up();
    await untouched(world, page, before);
    await page.close();
  });
}
