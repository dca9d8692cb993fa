// Old buttons in a real Chromium: that they live again, that nobody steals a click through them, and that the page
// comes back as it was: `node .ci/e2e.mjs replace [FOLDER FOR PICTURES]`.
import { mkdirSync, mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { Browser, whatIsMissing } from "./browser.js";
import { replacing } from "./buttons.js";
import { Display } from "./display.js";
import * as pages from "./pages.js";
import { delay, perform } from "./programs.js";
import { Reader } from "./reader.js";
import { Stage } from "./stage.js";
import { Suite } from "./suite.js";

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
  suite.leave(folder);
}

await perform(() => main(mkdtempSync(path.join(os.tmpdir(), "flattr-replace-")), process.argv[2]));
