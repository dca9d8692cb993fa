// What can go wrong between a click and the ledger, in either browser: the background is stopped, the extension
// updated, the disk full, companion and ledger away for a week. Each click counts once or was never made.
//
//   robust chromium | firefox
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Browser, DIST, whatIsMissing } from "./browser.js";
import { ChromiumHands } from "./chromium.js";
import { Display } from "./display.js";
import { Firefox, firefoxIsMissing } from "./firefox.js";
import { Guest } from "./guest.js";
import type { Hands } from "./hands.js";
import { stopAll } from "./programs.js";
import { Reader } from "./reader.js";
import { away } from "./robust-away.js";
import { closed } from "./robust-closed.js";
import { full } from "./robust-full.js";
import { history } from "./robust-history.js";
import { stops } from "./robust-stops.js";
import { update } from "./robust-update.js";
import { Stage } from "./stage.js";
import { Suite } from "./suite.js";
import { Books } from "./trial.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-robust-"));
const person = { name: "robin", password: "a long walk by the river" };
const which = process.argv[2] === "firefox" ? "firefox" : "chromium";

async function chromium(stage: Stage, build: string, end: (() => Promise<void>)[]): Promise<Hands> {
  const display = await Display.start();
  end.push(async () => display.close());
  const profile = path.join(folder, "browser");
  const browser = await Browser.launch({ display, profile, state: stage.companion.state, extension: build });
  end.push(() => browser.close());
  const reader = new Reader(browser, stage, person);
  await reader.connect();
  await reader.allowPages();
  return new ChromiumHands(browser);
}

async function firefox(stage: Stage, build: string, end: (() => Promise<void>)[]): Promise<Hands> {
  const hands = await Firefox.launch({
    folder: path.join(folder, "firefox"),
    state: stage.companion.state,
    extension: build,
  });
  end.push(() => hands.close());
  const page = await hands.open(hands.own("onboard.html"));
  await page.click("#connect");
  await page.visible("#step-connect[data-state=done]");
  await page.click("#allow");
  await page.visible("#step-allow[data-state=done]");
  await page.close();
  return hands;
}

async function main(): Promise<void> {
  const suite = new Suite(async () => {});
  const missing = which === "firefox" ? firefoxIsMissing() : await whatIsMissing(undefined);
  if (missing) {
    suite.skip(`what can go wrong in ${which}`, missing);
    suite.close();
    return;
  }
  const end: (() => Promise<void>)[] = [() => stopAll()];
  try {
    const stage = await Stage.set(folder, false);
    end.push(() => stage.close());
    const build = path.join(folder, "extension");
    cpSync(path.join(DIST, which === "firefox" ? "firefox" : "chrome"), build, { recursive: true });
    const hands = await (which === "firefox" ? firefox : chromium)(stage, build, end);
    const robin = new Guest(hands, stage, person);
    await robin.join("20.00", "2.00");
    await robin.link();
    const trial = { suite, stage, hands, robin, build, books: new Books(stage.site) };
    const wanted = process.argv.slice(3); // some of the parts, while working on one
    const parts = { closed, stops, history, away, full, update };
    for (const [name, part] of Object.entries(parts)) {
      if (wanted.length === 0 || wanted.includes(name)) await part(trial);
    }
  } finally {
    for (const step of end.reverse()) await step().catch((error: unknown) => console.error(error));
    suite.close();
  }
  if (suite.failed) console.log(`what is left to look at: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
  process.exitCode = suite.failed ? 1 : 0;
}

try {
  await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
process.exit();
