// The story of Flattr, told with real parts: `make run`.
//
// A reader joins with an invite, connects the companion, thanks twenty authors
// by real mouse clicks in a real Chromium, and a copy of the ledger shows what
// month end will bring. All data lies under var/demo. STORY=0 only starts the
// services. Everything stays up until Ctrl-C, and then ends.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { Browser, EXTENSION, whatIsMissing } from "./browser.js";
import { Display } from "./display.js";
import * as pages from "./pages.js";
import { root, stopAll, until } from "./programs.js";
import { type Figures, Reader } from "./reader.js";
import { settledCopy } from "./settled.js";
import type { Article } from "./site/articles.js";
import { Stage } from "./stage.js";
import { euro, type Line, table } from "./tables.js";

const folder = path.join(root, "var", "demo");
const begun = performance.now();
const reader = { name: "robin", password: "a long walk by the river" };

/** The clicks during which the ledger is stopped: of the first ten the fourth to the seventh. */
const AWAY = { from: 3, to: 7 };

function say(sentence: string): void {
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(`[${String(seconds).padStart(3)} s] ${sentence}`);
}

function picture(name: string): `${string}.png` {
  return path.join(folder, name) as `${string}.png`;
}

/** freshFolder empties var/demo, unless another run still lives in it. */
function freshFolder(): void {
  const mark = path.join(folder, "pid");
  if (existsSync(mark) && isAlive(Number(readFileSync(mark, "utf8")))) {
    throw new Error(`another make run is up (process ${readFileSync(mark, "utf8")}); end it by Ctrl-C first`);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(mark, String(process.pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function join(robin: Reader): Promise<Page> {
  const { stage, browser } = robin;
  const invite = await stage.invite("5.00");
  say(`the operator mints an invite with 5.00 EUR of welcome means: ${invite}`);
  const page = await browser.open(`${stage.ledger.origin}/signup`);
  await pages.signUp(page, stage.ledger.origin, reader, invite);
  say(`${reader.name} joins with the code at ${stage.ledger.origin}`);
  await pages.setBudget(page, stage.ledger.origin, "2.00");
  say(`${reader.name} sets a monthly budget of 2.00 EUR`);
  await page.screenshot({ path: picture("month-empty.png") });
  return page;
}

async function connect(robin: Reader): Promise<void> {
  await robin.connect();
  say("the extension asks the browser for its native host and is paired with the companion");
  await robin.link();
  say(`${reader.name} allows the companion to flattr in their name`);
  await robin.allowPages();
  say("the extension may now find Flattr buttons on pages");
}

async function flattrAll(robin: Reader, articles: readonly Article[]): Promise<void> {
  for (const article of articles) {
    await robin.flattr(article, article === robin.stage.site.articles[0] ? picture("page.png") : undefined);
    say(`  flattred "${article.title}" by ${article.author}`);
  }
}

/** firstTen flattrs ten articles; the ledger is away for four of them. */
async function firstTen(robin: Reader): Promise<void> {
  const { ledger, site } = robin.stage;
  await flattrAll(robin, site.articles.slice(0, AWAY.from));
  const page = await robin.visit(site.articles[0] as Article);
  await until("three clicks with the ledger", async () => (await robin.figures(page)).unsent === 0);
  await page.close();
  await ledger.stop();
  say("the ledger is stopped");
  await flattrAll(robin, site.articles.slice(AWAY.from, AWAY.to));
  const again = await robin.visit(site.articles[0] as Article);
  const figures = await robin.figures(again, picture("popup-ledger-away.png"));
  await again.close();
  if (figures.unsent !== AWAY.to - AWAY.from)
    throw new Error(`the popup says that ${figures.unsent} clicks wait`);
  say(`the popup says that ${figures.unsent} clicks wait, and that they go out by themselves`);
  await ledger.start();
  say("the ledger is back");
  await flattrAll(robin, site.articles.slice(AWAY.to, 10));
}

/** preview waits until popup and page agree on the figures. */
async function preview(robin: Reader, clicks: number, micro: number, name: string): Promise<void> {
  const { ledger, site } = robin.stage;
  const page = await robin.visit(site.articles[0] as Article);
  let figures: Figures | undefined;
  await until(
    `all ${clicks} clicks with the ledger`,
    async () => {
      figures = await robin.figures(page, picture(`popup-${name}.png`));
      return figures.unsent === 0 && figures.clicks === clicks;
    },
    60,
  );
  const month = await pages.month(page, ledger.origin);
  await page.screenshot({ path: picture(`month-${name}.png`), fullPage: true });
  await page.close();
  if (month.clicks !== clicks || month.shareMicro !== micro) {
    throw new Error(`the month's page shows ${month.clicks} x ${euro(month.shareMicro)}`);
  }
  say(`popup and page agree: budget ${figures?.budget}, ${clicks} clicks, each is worth ${figures?.share}`);
}

/** monthEnd settles a copy of the ledger as it will be after the grace. */
async function monthEnd(robin: Reader): Promise<void> {
  const { stage, browser } = robin;
  const today = new Date().toISOString().slice(0, 7);
  const early = await stage.ledger.attempt(["settle", "--month", today]);
  say(`settling ${today} today is refused: ${early.stderr.trim()}`);
  await stage.ledger.stop(); // nobody writes while the file is copied
  const settled = await settledCopy(stage, path.join(folder, "copy"));
  await stage.ledger.start();
  say(`a copy of the ledger is settled as of ${settled.asOf}`);
  print(settled.statement, stage);
  console.log(`\n$ flattr-ledger audit\n${settled.audit.trim()}\n`);

  const copy = settled.ledger;
  const author = { name: (stage.site.articles[0] as Article).author, password: "twenty times thank you" };
  await copy.command(["member", "password", author.name], `${author.password}\n`);
  await copy.start();
  const context = await browser.chromium.createBrowserContext(); // the author's own browser, so to speak
  const page = await context.newPage();
  await page.setViewport({ width: 1100, height: 800 });
  await pages.signIn(page, copy.origin, author);
  const { netMicro } = await pages.revenue(page, copy.origin);
  await page.screenshot({ path: picture("author.png") });
  await context.close();
  say(`${author.name}'s page shows ${euro(netMicro)}`);
  if (netMicro !== 100_000) throw new Error(`the author's page shows ${euro(netMicro)}`);
  say(`it stays up at ${copy.origin}; sign in as ${author.name} with "${author.password}"`);
}

function print(statement: readonly Line[], stage: Stage): void {
  const titles = new Map(stage.site.articles.map((article) => [stage.site.urlOf(article), article.title]));
  const shares = statement.filter((line) => line.type === "share");
  const authors = statement.filter((line) => line.type === "author");
  const rows = shares.map((line) => [
    String(line["reader"]),
    String(line["owner"]),
    titles.get(String(line["url"])) ?? String(line["url"]),
    euro(Number(line["micro"])),
  ]);
  console.log(`\n${table(["reader", "author", "thing", "share"], rows, [3])}\n`);
  const credits = authors.map((line) => [
    String(line["name"]),
    String(line["clicks"]),
    euro(Number(line["fee_micro"])),
    euro(Number(line["net_micro"])),
  ]);
  console.log(table(["author", "clicks", "fee", "credited"], credits, [1, 2, 3]));
  const credited = authors.filter((line) => line["net_micro"] === 100_000).length;
  if (credited !== 20) throw new Error(`${credited} authors were credited 0.10 EUR, not 20`);
}

async function tell(stage: Stage): Promise<void> {
  const display = Display.present() ?? (await Display.start());
  const browser = await Browser.launch({
    display,
    profile: path.join(folder, "browser"),
    state: stage.companion.state,
  });
  try {
    say(`a Chromium with the extension from ${path.relative(root, EXTENSION)}`);
    const robin = new Reader(browser, stage, reader);
    const page = await join(robin);
    await connect(robin);
    await firstTen(robin);
    await preview(robin, 10, 200_000, "10");
    await flattrAll(robin, stage.site.articles.slice(10));
    await preview(robin, 20, 100_000, "20");
    await monthEnd(robin);
    await page.close();
    say(`screenshots: ${path.relative(root, folder)}/*.png`);
  } finally {
    await browser.close();
    display.close();
  }
}

function addresses(stage: Stage, told: boolean): void {
  const rows = [
    ["sample site", stage.site.origin],
    ["ledger", told ? `${stage.ledger.origin} (${reader.name} / ${reader.password})` : stage.ledger.origin],
    ["companion", `127.0.0.1:${stage.companion.port}`],
    ["data", path.relative(root, folder)],
  ];
  console.log(`\n${table(["what", "where"], rows, [])}\n`);
}

async function main(): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  freshFolder();
  const stage = await Stage.set(folder, true);
  say("ledger, companion and sample site are up");
  const onlyServices = process.env["STORY"] === "0";
  const missing = onlyServices ? "STORY=0: the services only" : await whatIsMissing(Display.present());
  let failed: unknown;
  if (missing) {
    say(missing);
  } else {
    const told = tell(stage).catch((error: unknown) => {
      failed = error;
    });
    await Promise.race([told, ended]);
  }
  if (failed) {
    console.error(failed);
    process.exitCode = 1;
  } else {
    addresses(stage, !missing);
    console.log("Up until Ctrl-C.");
    await ended;
  }
  await stage.close();
}

try {
  await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await stopAll();
  rmSync(path.join(folder, "pid"), { force: true });
}
process.exit();
