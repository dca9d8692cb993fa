// The whole way of a click in Firefox ESR, with everything real: the extension as it is shipped, as a temporary
// add-on, flattrd reached by its native host, flattr-ledger. `make e2e` runs it after Chromium's.
import { strict as assert } from "node:assert";
import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Firefox, firefoxIsMissing } from "./firefox.js";
import { Guest } from "./guest.js";
import * as pages from "./pages.js";
import { perform, until } from "./programs.js";
import { BUTTON, read } from "./reader.js";
import type { Article } from "./site/articles.js";
import { frame, Site } from "./site/site.js";
import { Stage } from "./stage.js";
import { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-firefox-"));
const person = { name: "robin", password: "a long walk by the river" };

interface World {
  suite: Suite;
  stage: Stage;
  firefox: Firefox;
  robin: Guest;
  public: Site; // a site that is not on this machine, as far as the browser is told
}

function article(world: World, index: number): Article {
  const found = world.stage.site.articles[index];
  assert.ok(found);
  return found;
}

async function connecting({ suite, robin, stage, firefox }: World): Promise<void> {
  await suite.test("Firefox: a reader joins with an invite and sets a budget", async () => {
    await robin.join("20.00", "2.00");
    assert.equal((await robin.month()).rows.length, 0);
  });
  await suite.test("Firefox: the extension pairs with the companion by its native host", async () => {
    const page = await robin.onboarding();
    await page.click("#connect");
    await page.visible("#step-connect[data-state=done]");
    await page.close();
    const { json } = await stage.companion.status();
    assert.match(JSON.stringify(json), /robin|device/i);
  });
  await suite.test("Firefox: the reader links the companion by consent at the ledger", () => robin.link());
  await suite.test("Firefox: the reader lets the extension find buttons", async () => {
    const page = await robin.onboarding();
    await page.click("#allow");
    await page.visible("#step-allow[data-state=done]");
    await page.close();
    assert.equal(await firefox.inside(() => chrome.permissions.contains({ origins: ["http://*/*"] })), true);
  });
}

async function finding(world: World): Promise<void> {
  const { suite, stage, robin, firefox } = world;
  await suite.test("Firefox: the badge is the number of distinct things on the page", async () => {
    await (await robin.visit(`${stage.site.origin}/`, 20)).close();
    await (await robin.visit(article(world, 4))).close(); // button, payment link and noscript twin are one thing
  });
  await suite.test("Firefox: the toolbar's own popup opens over a page and shows its thing", async () => {
    const url = robin.address(article(world, 0));
    const page = await robin.visit(url);
    await firefox.inside(() => 1); // its document exists before the page comes to the front
    await page.front();
    await firefox.openPopup();
    const titles = await until("the popup fills in", () =>
      firefox.inside(() => {
        const popup = chrome.extension.getViews({ type: "popup" })[0];
        const items = [...(popup?.document.querySelectorAll("#things li") ?? [])];
        return items.length > 0 && items.map((item) => item.textContent ?? "");
      }),
    );
    assert.equal(titles.length, 1);
    assert.ok(titles[0]?.includes(article(world, 0).title), titles[0]);
    await page.close();
  });
  await suite.test("Firefox: a click made by a script does nothing", async () => {
    const url = robin.address(article(world, 0));
    const page = await robin.visit(url);
    await page.run((button) => {
      for (const element of document.querySelectorAll<HTMLElement>(button)) {
        element.addEventListener("click", (event) => event.preventDefault());
        element.click();
        element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, composed: true }));
      }
    }, BUTTON);
    await robin.standing(url, "free"); // the popup asks the background, which has seen all before
    assert.deepEqual(await robin.kept(), []);
    await page.close();
    await robin.counts(0);
  });
  await suite.test("Firefox: a page's script cannot open the companion's socket", async () => {
    for (const site of [stage.site, world.public]) {
      const page = await firefox.open(`${site.origin}/`);
      const said = await page.run(pages.dialCompanion, stage.companion.port);
      assert.equal(said, "refused", `from ${site.origin}`);
      await page.close();
    }
  });
}

async function flattring(world: World): Promise<void> {
  const { suite, stage, robin } = world;
  await suite.test(
    "Firefox: a real click on the page's button counts, and the page tells of it",
    async () => {
      const url = robin.address(article(world, 0));
      const page = await robin.visit(url);
      await robin.press(page);
      assert.match((await robin.line(page)).text, /Flattred/);
      assert.equal((await robin.counts(1)).shareMicro, 2_000_000);
      await robin.standing(url, "flattred");
      await page.close();
    },
  );
  await suite.test("Firefox: every form of button works with a real click", async () => {
    for (const index of [1, 2, 3, 4]) {
      const page = await robin.visit(article(world, index));
      await robin.press(page);
      await robin.line(page);
      await page.close();
    }
    assert.equal((await robin.counts(5)).shareMicro, 400_000);
  });
  await suite.test("Firefox: Undo in the page takes the click back", async () => {
    const url = robin.address(article(world, 5));
    const page = await robin.visit(url);
    await robin.press(page);
    await robin.counts(6);
    await robin.undo(page);
    await robin.counts(5, 6);
    await robin.standing(url, "free");
    await page.close();
  });
  await suite.test("Firefox: Undo in the popup takes a click back, and it can be made again", async () => {
    const url = robin.address(article(world, 1));
    const page = await robin.visit(url);
    const popup = await world.firefox.popup(url);
    await popup.click("#things [data-action=undo]");
    await until("the thing is free again", async () => (await read(popup)).things[0]?.standing === "free");
    await popup.close();
    await robin.counts(4, 6);
    await robin.press(page);
    await robin.counts(5, 7);
    await page.close();
  });
  await suite.test("Firefox: on a page that is not on this machine a click works as well", async () => {
    const url = `${world.public.origin}/nobody`;
    world.public.extra.set(
      "/nobody",
      frame(
        "Nobody's page",
        `<p><a class="FlattrButton" href="${url}" rev="flattr;uid:nobody;">Flattr</a></p>`,
      ),
    );
    const page = await robin.visit(url);
    await robin.press(page);
    await until("the promise is with the ledger", async () => (await robin.month()).rows.length === 8);
    await page.close();
  });
  await suite.test("Firefox: popup and the reader's page agree", async () => {
    const page = await robin.visit(article(world, 0));
    const figures = await robin.figures(robin.address(article(world, 0)));
    const { clicks, shareMicro } = await pages.month(page, stage.ledger.origin);
    assert.equal(figures.clicks, clicks);
    assert.match(figures.budget, /2\.00/);
    assert.equal(shareMicro, 400_000);
    assert.match(figures.share, /0\.40/);
    await page.close();
  });
}

async function away(world: World): Promise<void> {
  const { suite, stage, robin } = world;
  await suite.test(
    "Firefox: without the companion the popup says so, and the click goes out later",
    async () => {
      await stage.companion.stop();
      const url = robin.address(article(world, 6));
      const page = await robin.visit(url);
      await robin.press(page);
      // Until Firefox gives the dialling up, nobody knows.
      const figures = await until("the popup says that the companion is away", async () => {
        const now = await robin.standing(url, "kept");
        return now.state === "away" && now;
      });
      assert.match(figures.whole, /flattrd start/);
      assert.equal((await robin.kept()).length, 1);
      await stage.companion.start();
      await until("the kept click arrives", async () => {
        await robin.figures(url);
        return (await robin.kept()).length === 0;
      });
      await robin.counts(6, 9);
      await page.close();
    },
  );
  await suite.test("Firefox: without the ledger a click waits, and arrives when it is back", async () => {
    await stage.ledger.stop();
    const url = robin.address(article(world, 7));
    const page = await robin.visit(url);
    await robin.press(page);
    await robin.standing(url, "waiting");
    await stage.ledger.start();
    await robin.counts(7, 10);
    await page.close();
  });
}

async function options(world: World): Promise<void> {
  const { suite, firefox } = world;
  await suite.test("Firefox: the options page opens and shows the reader's clicks", async () => {
    const file = await firefox.inside(() => chrome.runtime.getManifest().options_ui?.page ?? "");
    assert.notEqual(file, "", "the manifest names no options page");
    const page = await firefox.open(new URL(file, firefox.own("")).href); // Firefox names it in full
    const words = await until("the options page shows words", () =>
      page.run(() => {
        // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not read
        const shown = document.querySelector("main")?.innerText ?? "";
        return shown.length > 100 && shown;
      }),
    );
    assert.doesNotMatch(words, /undefined|__MSG/);
    await page.close();
  });
}

async function main(): Promise<void> {
  const suite = new Suite(async () => {});
  const missing = firefoxIsMissing();
  if (missing) {
    suite.skip("the whole way of a click in Firefox", missing);
    suite.close();
    return;
  }
  const stage = await Stage.set(folder, false);
  const elsewhere = await new Site().listen(0, "site.test");
  let firefox: Firefox | undefined;
  try {
    firefox = await Firefox.launch({
      folder: path.join(folder, "firefox"),
      state: stage.companion.state,
    });
    const robin = new Guest(firefox, stage, person);
    const world = { suite, stage, firefox, robin, public: elsewhere };
    for (const part of [connecting, finding, flattring, away, options]) {
      await part(world);
      if (part === connecting && suite.failed) break; // nothing after it could say anything
    }
  } finally {
    await firefox?.close();
    await stage.close();
    await elsewhere.close();
    suite.close();
  }
  suite.leave(folder);
}

await perform(main);
