// The whole way of a click, with everything real: Chromium under Xvfb with the
// extension as it is shipped, flattrd, flattr-ledger. `make e2e` runs it alone.
import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { Browser, click, text, visible, whatIsMissing } from "./browser.js";
import { Display } from "./display.js";
import * as pages from "./pages.js";
import { perform, until } from "./programs.js";
import { BUTTON, type Figures, Reader, read } from "./reader.js";
import { settledCopy } from "./settled.js";
import type { Article } from "./site/articles.js";
import { frame, Site } from "./site/site.js";
import { Stage } from "./stage.js";
import { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-e2e-"));
const person = { name: "robin", password: "a long walk by the river" };

/** Everything the tests share. */
interface World {
  suite: Suite;
  stage: Stage;
  browser: Browser;
  robin: Reader;
  public: Site; // a site that the browser takes for one on the internet
  ledgerPage: Page; // where the reader is signed in at the ledger
  counting: Set<string>; // URLs that must count in the end
}

function article(world: World, index: number): Article {
  const found = world.stage.site.articles[index];
  assert.ok(found);
  return found;
}

/** counts waits until the reader's page at the ledger shows n counting clicks. */
async function counts(world: World, n: number): Promise<pages.MonthFigures> {
  let last: pages.MonthFigures | undefined;
  return until(
    `${n} clicks that count`,
    async () => {
      last = await pages.month(world.ledgerPage, world.stage.ledger.origin);
      if (last.clicks !== n) throw new Error(`the page shows ${last.clicks}`);
      return last;
    },
    30,
  );
}

/** rows is how many clicks the reader's page at the ledger lists, counting or not. */
async function rows(world: World): Promise<number> {
  return (await pages.month(world.ledgerPage, world.stage.ledger.origin)).rows.length;
}

/** standing waits until the popup over a page shows its one thing as wanted; it fills in bit by bit. */
async function standing(world: World, page: Page, wanted: string): Promise<Figures> {
  return until(`the popup shows the thing as ${wanted}`, async () => {
    const figures = await world.robin.figures(page);
    if (figures.things.length === 1 && figures.things[0]?.standing === wanted) return figures;
    throw new Error(JSON.stringify(figures));
  });
}

/** popupOver reads the popup over a page of its own. */
async function popupOver(world: World, url: string) {
  const page = await world.browser.open(url);
  const figures = await world.robin.figures(page);
  await page.close();
  return figures;
}

async function joining(world: World): Promise<void> {
  const { suite, stage, ledgerPage: page } = world;
  const { origin } = stage.ledger;
  const invite = (await stage.ledger.command(["invite", "new"])).trim();

  await suite.test("a wrong invite is refused with a sentence, and nothing is created", async () => {
    await pages.signUp(page, origin, person, "AAAA-BBBB-CCCC-DDDD");
    assert.match(await text(page, "#invite-wrong"), /\w+ \w+ \w+/);
    await pages.signIn(page, origin, person);
    await visible(page, "#signin-wrong");
  });
  await suite.test("a reader joins with an invite", async () => {
    await pages.signUp(page, origin, person, invite);
    await page.goto(`${origin}/month`);
    await visible(page, "#budget");
  });
  await suite.test("a used invite is refused", async () => {
    const context = await world.browser.chromium.createBrowserContext();
    const other = await context.newPage();
    await pages.signUp(other, origin, { name: "somebody", password: person.password }, invite);
    assert.match(await text(other, "#invite-wrong"), /used/);
    await context.close();
  });
  await suite.test("a budget under 2.00 is refused with the minimum", async () => {
    await pages.setBudget(page, origin, "1.99");
    assert.match(await text(page, "#budget-wrong"), /2\.00/);
  });
  await suite.test("a budget of 2.00 is taken", async () => {
    await pages.setBudget(page, origin, "2.00");
    assert.equal((await page.$$("#budget-wrong")).length, 0);
  });
}

async function connecting({ suite, robin }: World): Promise<void> {
  await suite.test("the extension pairs with the companion by its native host", () => robin.connect());
  await suite.test("the reader links the companion by consent at the ledger", () => robin.link());
  await suite.test("the reader lets the extension find buttons", () => robin.allowPages());
}

async function finding(world: World): Promise<void> {
  const { suite, stage, robin, browser } = world;
  await suite.test("the badge is the number of distinct things on the page", async () => {
    const front = await robin.visit(`${stage.site.origin}/`, 20);
    await front.close();
    const many = stage.site.articles.find(({ form }) => form === "many");
    assert.ok(many);
    const page = await robin.visit(many, 1); // button, payment link and noscript twin are one thing
    await page.close();
  });
  await suite.test("a click made by a script does nothing", async () => {
    const page = await robin.visit(article(world, 0));
    const before = await browser.title(page.url());
    await page.evaluate((button) => {
      const element = document.querySelector<HTMLElement>(button);
      element?.addEventListener("click", (event) => event.preventDefault());
      element?.click();
      element?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, composed: true }));
    }, BUTTON);
    await standing(world, page, "free"); // the popup asks the background, which has seen all before
    assert.equal(await browser.title(page.url()), before);
    await page.close();
    await counts(world, 0);
  });
  await suite.test("a page's script cannot open the companion's socket", async () => {
    for (const site of [stage.site, world.public]) {
      const page = await browser.open(`${site.origin}/`);
      const said = await page.evaluate(pages.dialCompanion, stage.companion.port);
      assert.equal(said, "refused", `from ${site.origin}`);
      await page.close();
    }
  });
}

async function flattring(world: World): Promise<void> {
  const { suite, stage, robin } = world;
  await suite.test("without means a click is refused with how to top up", async () => {
    const page = await robin.visit(article(world, 0));
    await robin.press(page);
    await until("the popup tells of the means", async () => {
      const figures = await robin.figures(page);
      return figures.things[0]?.standing === "refused" && /top up|means/i.test(figures.whole);
    });
    await page.close();
    await counts(world, 0);
  });
  await suite.test("after a top-up the same button works", async () => {
    await stage.ledger.command(["credit", person.name, "5.00", "--ref", "e2e-1"]);
    await stage.ledger.command(["credit", person.name, "5.00", "--ref", "e2e-1"]); // answered, not booked
    const page = await robin.visit(article(world, 0));
    await click(page, BUTTON);
    const { shareMicro } = await counts(world, 1);
    assert.equal(shareMicro, 2_000_000);
    await page.close();
    world.counting.add(stage.site.urlOf(article(world, 0)));
    await world.ledgerPage.goto(`${stage.ledger.origin}/month`);
    assert.match(await text(world.ledgerPage, "main"), /3\.00/); // 5.00 once, 2.00 of it held
  });
  await suite.test("real clicks on every form of button reach the ledger", async () => {
    for (const index of [1, 2, 3, 4]) {
      await robin.flattr(article(world, index));
      world.counting.add(stage.site.urlOf(article(world, index)));
    }
    assert.equal((await counts(world, 5)).shareMicro, 400_000);
  });
  await suite.test("a second click on the same thing changes nothing", async () => {
    const before = await rows(world);
    const page = await robin.visit(article(world, 1));
    await click(page, BUTTON);
    await standing(world, page, "flattred");
    await page.close();
    assert.equal((await counts(world, 5)).rows.length, before);
  });
}

async function refusals(world: World): Promise<void> {
  const { suite, stage, robin } = world;
  const load = async (...lines: object[]) => {
    const file = path.join(folder, `${randomUUID()}.ndjson`);
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await stage.ledger.command(["load", file]);
  };
  await suite.test("a click that is there already by another way is a duplicate", async () => {
    const url = stage.site.urlOf(article(world, 5));
    await load({ type: "click", id: randomUUID(), reader: person.name, url, at: new Date().toISOString() });
    const before = (await counts(world, 6)).rows.length;
    world.counting.add(url);
    const page = await robin.visit(article(world, 5));
    await click(page, BUTTON); // the answer may be there before anybody could see the click wait
    await until("the second one is shown beside the first", async () => (await rows(world)) === before + 1);
    await counts(world, 6);
    await standing(world, page, "flattred");
    await page.close();
  });
  await suite.test("one's own thing is refused with a sentence", async () => {
    const url = `${stage.site.origin}/own`;
    await load({ type: "thing", url, owner: person.name, title: "My own page" });
    stage.site.extra.set("/own", frame("My own page", buttonFor(url, person.name)));
    const page = await robin.visit(url);
    await click(page, BUTTON);
    await until("the popup shows the refusal", async () => {
      const [thing] = (await robin.figures(page)).things;
      return thing?.standing === "refused" && /own/.test(thing.text);
    });
    await page.close();
    await counts(world, 6);
  });
}

function buttonFor(url: string, owner: string): string {
  return `<h1>A page</h1><p><a class="FlattrButton" href="${url}" rev="flattr;uid:${owner};">Flattr this</a></p>`;
}

async function undoing(world: World): Promise<void> {
  const { suite, robin, browser } = world;
  await suite.test("the popup takes a click back, and the thing can be flattred again", async () => {
    const page = await robin.visit(article(world, 2));
    const popup = await browser.popup(page);
    await click(popup, "#things [data-action=undo]");
    await until("the thing is free again", async () => (await read(popup)).things[0]?.standing === "free");
    await popup.close();
    await counts(world, 5);
    await click(page, BUTTON);
    await counts(world, 6);
    await page.close();
  });
}

async function promising(world: World): Promise<void> {
  const { suite, robin, stage } = world;
  await suite.test(
    "on a page of the internet a click works, and the content script never dials",
    async () => {
      const url = `${world.public.origin}/nobody`;
      world.public.extra.set("/nobody", frame("Nobody's page", buttonFor(url, "nobody")));
      const page = await robin.visit(url);
      const session = await page.createCDPSession();
      const dialled: string[] = [];
      await session.send("Network.enable");
      session.on("Network.webSocketCreated", (event) => dialled.push(event.url));
      session.on("Network.requestWillBeSent", (event) => dialled.push(event.request.url));
      await robin.press(page);
      await until("the promise is with the ledger", async () => {
        const month = await pages.month(world.ledgerPage, stage.ledger.origin);
        return month.rows.some(({ state }) => state === "state.promise"); // how many there are depends on who tried again first
      });
      assert.deepEqual(dialled, []);
      await page.close();
    },
  );
  await suite.test("a promise is not in the divisor", async () => {
    assert.equal((await counts(world, 6)).shareMicro, 333_333);
  });
}

async function away(world: World): Promise<void> {
  const { suite, stage, robin, browser } = world;
  await suite.test(
    "without the companion the popup says so, and the click is kept and delivered later",
    async () => {
      await stage.companion.stop();
      const page = await robin.visit(article(world, 6));
      await robin.press(page);
      await standing(world, page, "kept");
      await until("the popup says that the companion is away", async () => {
        const { state, whole } = await robin.figures(page);
        return state === "away" && whole.includes("flattrd start");
      });
      await stage.companion.start();
      await until("the kept click arrives", async () => {
        await popupOver(world, stage.site.urlOf(article(world, 6)));
        return (await pages.month(world.ledgerPage, stage.ledger.origin)).clicks === 7;
      });
      await page.close();
      world.counting.add(stage.site.urlOf(article(world, 6)));
    },
  );
  await suite.test("without the ledger a click waits, and arrives when it is back", async () => {
    await stage.ledger.stop();
    const page = await robin.visit(article(world, 7));
    await robin.press(page);
    await until("the popup tells of the waiting click", async () => (await robin.figures(page)).unsent === 1);
    await standing(world, page, "waiting");
    await stage.ledger.start();
    await counts(world, 8);
    await until("nothing waits", async () => (await robin.figures(page)).unsent === 0);
    await page.close();
    world.counting.add(stage.site.urlOf(article(world, 7)));
  });
  await suite.test("a companion killed at the click loses nothing and counts nothing twice", async () => {
    const page = await robin.visit(article(world, 8));
    await click(page, BUTTON);
    stage.companion.kill();
    await until("the companion is gone", async () => !(await stage.companion.alive()));
    await stage.companion.start();
    await until("the click arrives", async () => {
      await robin.figures(page);
      return (await pages.month(world.ledgerPage, stage.ledger.origin)).clicks === 9;
    });
    assert.equal((await browser.badge(page.url())).length, 1);
    await page.close();
    world.counting.add(stage.site.urlOf(article(world, 8)));
  });
}

async function monthEnd(world: World): Promise<void> {
  const { suite, stage, robin } = world;
  await suite.test("popup and the reader's page agree", async () => {
    const page = await robin.visit(article(world, 9));
    const figures = await robin.figures(page);
    const { clicks, shareMicro } = await counts(world, 9);
    assert.equal(figures.clicks, clicks);
    assert.match(figures.budget, /2\.00/);
    assert.equal(shareMicro, 222_222);
    assert.match(figures.share, /0\.222/);
    await page.close();
  });
  await suite.test("a month cannot be settled before its grace is over", async () => {
    const { code, stderr } = await stage.ledger.attempt([
      "settle",
      "--month",
      new Date().toISOString().slice(0, 7),
    ]);
    assert.notEqual(code, 0);
    assert.match(stderr, /month_open|72|grace/);
  });
  await suite.test("SIGTERM ends ledger and companion cleanly", async () => {
    assert.equal(await stage.ledger.stop(), 0);
    assert.equal(await stage.companion.stop(), 0);
  });
  await suite.test("the statement names every click once and splits 2.00 exactly", async () => {
    const { statement } = await settledCopy(stage, path.join(folder, "copy"));
    const shares = statement.filter((line) => line.type === "share");
    const paid = shares.filter((line) => line["owner"] !== null);
    assert.deepEqual(paid.map((line) => line["url"]).sort(), [...world.counting].sort());
    const sum = paid.reduce((total, line) => total + Number(line["micro"]), 0);
    assert.equal(sum, 2_000_000);
    assert.deepEqual(
      shares.filter((line) => line["owner"] === null).map((line) => [line["url"], line["micro"]]),
      [[`${world.public.origin}/nobody`, 0]],
    );
  });
}

async function main(): Promise<void> {
  let browser: Browser | undefined;
  const suite = new Suite(async (name) => {
    for (const [index, page] of ((await browser?.chromium.pages()) ?? []).entries()) {
      const file = path.join(folder, `${name.replaceAll(/\W+/g, "-")}-${index}.png`) as `${string}.png`;
      await page.screenshot({ path: file }).catch(() => {});
    }
  });
  const missing = await whatIsMissing(undefined);
  if (missing) {
    suite.skip("the whole way of a click", missing);
    suite.close();
    return;
  }
  const stage = await Stage.set(folder, false);
  const elsewhere = await new Site().listen(0, "site.test");
  const display = await Display.start();
  try {
    browser = await Browser.launch({
      display,
      profile: path.join(folder, "browser"),
      state: stage.companion.state,
      args: [`--ip-address-space-overrides=127.0.0.1:${elsewhere.port}=public`],
    });
    const robin = new Reader(browser, stage, person);
    const ledgerPage = await browser.open("about:blank");
    const world = {
      suite,
      stage,
      browser,
      robin,
      public: elsewhere,
      ledgerPage,
      counting: new Set<string>(),
    };
    const parts = [joining, connecting, finding, flattring, refusals, undoing, promising, away, monthEnd];
    for (const part of parts) {
      await part(world);
      if (part === connecting && suite.failed) break; // nothing after it could say anything
    }
  } finally {
    await browser?.close();
    display.close();
    await stage.close();
    await elsewhere.close();
    suite.close();
  }
  suite.leave(folder);
}

await perform(main);
