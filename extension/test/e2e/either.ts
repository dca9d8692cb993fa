// A reader who has set everything up, in the browser that is asked for.
import path from "node:path";
import { Browser, whatIsMissing } from "./browser.js";
import { ChromiumHands } from "./chromium.js";
import { Display } from "./display.js";
import { Firefox, firefoxIsMissing } from "./firefox.js";
import { Guest } from "./guest.js";
import type { Hands } from "./hands.js";
import { stopAll } from "./programs.js";
import { Reader } from "./reader.js";
import { Stage } from "./stage.js";
import { Suite } from "./suite.js";

/** What a Chromium would ask of its maker by itself, on a page with a form. */
const OWN_SERVICES = ["AutofillServerCommunication"];

export type Which = "chromium" | "firefox";

export interface Setting {
  readonly stage: Stage;
  readonly folder: string; // for the browser's files
  readonly extension?: string; // the build to load, where it is not the one that is shipped
  readonly trapPort?: number; // where everything ends up that is not on this machine
}

const person = { name: "robin", password: "a long walk by the river" };

/** isMissing says what to install before the browser can be driven, or nothing. */
export async function isMissing(which: Which): Promise<string | undefined> {
  return which === "firefox" ? firefoxIsMissing() : whatIsMissing(undefined);
}

/**
 * staged runs a suite on ledger, companion and sample site of its own; where the browser is missing it is skipped. What
 * the work adds to end is closed after it, last first.
 */
export async function staged(
  name: string,
  which: Which,
  folder: string,
  work: (suite: Suite, stage: Stage, end: (() => Promise<void>)[]) => Promise<void>,
): Promise<void> {
  const suite = new Suite(async () => {});
  const missing = await isMissing(which);
  if (missing) {
    suite.skip(name, missing);
    suite.close();
    return;
  }
  const end: (() => Promise<void>)[] = [() => stopAll()];
  try {
    const stage = await Stage.set(folder, false);
    end.push(() => stage.close());
    await work(suite, stage, end);
  } finally {
    for (const step of end.reverse()) await step().catch((error: unknown) => console.error(error));
    suite.close();
  }
  suite.leave(folder);
}

/** begin opens the browser, pairs, joins, links and allows pages; end takes what is to be closed, last first. */
export async function begin(which: Which, setting: Setting, end: (() => Promise<void>)[]): Promise<Guest> {
  const hands = await (which === "firefox" ? firefox : chromium)(setting, end);
  const robin = new Guest(hands, setting.stage, person);
  await robin.join("20.00", "2.00");
  await robin.link();
  return robin;
}

async function chromium(setting: Setting, end: (() => Promise<void>)[]): Promise<Hands> {
  const { stage, folder, extension, trapPort } = setting;
  const display = await Display.start();
  end.push(async () => display.close());
  const browser = await Browser.launch({
    display,
    profile: path.join(folder, "browser"),
    state: stage.companion.state,
    ...(extension === undefined ? {} : { extension }),
    ...(trapPort === undefined
      ? {}
      : {
          args: [
            `--host-resolver-rules=MAP * 127.0.0.1:${trapPort}, EXCLUDE 127.0.0.1`,
            ...OWN_SERVICES.map((feature) => `--disable-features=${feature}`),
          ],
        }),
  });
  end.push(() => browser.close());
  const reader = new Reader(browser, stage, person);
  await reader.connect();
  await reader.allowPages();
  return new ChromiumHands(browser);
}

async function firefox(setting: Setting, end: (() => Promise<void>)[]): Promise<Hands> {
  const { stage, folder, extension, trapPort } = setting;
  const hands = await Firefox.launch({
    folder: path.join(folder, "firefox"),
    state: stage.companion.state,
    ...(extension === undefined ? {} : { extension }),
    ...(trapPort === undefined ? {} : { proxyPort: trapPort }),
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
