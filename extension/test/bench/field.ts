// Where the extension is measured: real ledger, real companion, and a Chromium in which a reader has paired it and
// let it find buttons.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Browser } from "../e2e/browser.js";
import { Display } from "../e2e/display.js";
import * as pages from "../e2e/pages.js";
import { until } from "../e2e/programs.js";
import { Reader } from "../e2e/reader.js";
import { Stage } from "../e2e/stage.js";
import { author, CLICKED_BUTTONS, Ground, PLAIN } from "./ground.js";

/** person is the reader in every browser. */
export const person = { name: "robin", password: "a long walk by the river" };

export class Field {
  private constructor(
    readonly folder: string,
    readonly ground: Ground,
    readonly stage: Stage,
    readonly display: Display,
    readonly browser: Browser,
  ) {}

  /** open starts everything; clickPages is how many pages of buttons will be clicked through. */
  static async open(clickPages: number): Promise<Field> {
    const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-bench-"));
    const ground = await Ground.open();
    const stage = await Stage.set(folder, false);
    await stage.ledger.command(["load", writeWorld(folder, ground, clickPages)]);
    const display = await Display.start();
    const browser = await Browser.launch({
      display,
      profile: path.join(folder, "browser"),
      state: stage.companion.state,
    });
    const field = new Field(folder, ground, stage, display, browser);
    try {
      await field.join();
      await field.leavePlain();
    } catch (error) {
      await field.close();
      throw error;
    }
    return field;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.display.close();
    await this.stage.close();
    await this.ground.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async join(): Promise<void> {
    const robin = new Reader(this.browser, this.stage, person);
    const page = await this.browser.open("about:blank");
    const { origin } = this.stage.ledger;
    await pages.signUp(page, origin, person, await this.stage.invite("5.00"));
    await pages.setBudget(page, origin, "2.00");
    await robin.connect();
    await robin.link();
    await robin.allowPages();
    await page.close();
  }

  /** leavePlain takes the plain pages out of the registration, so that they are the same without the extension. */
  private async leavePlain(): Promise<void> {
    const background = await this.browser.background();
    const leave = async (matches: string): Promise<boolean> => {
      const [script] = await chrome.scripting.getRegisteredContentScripts();
      if (script === undefined) return false;
      await chrome.scripting.updateContentScripts([
        { id: script.id, js: script.js ?? [], excludeMatches: [matches] },
      ]);
      return true;
    };
    await until("the content script is registered", () =>
      background.evaluate(leave, `http://127.0.0.1${PLAIN}/*`),
    );
  }
}

// Every button that will be clicked is for a thing that the ledger knows.
function writeWorld(folder: string, ground: Ground, clickPages: number): string {
  const lines = Array.from({ length: clickPages }, (_, page) => [
    { type: "member", name: author(page) },
    ...Array.from({ length: CLICKED_BUTTONS }, (_, button) => ({
      type: "thing",
      url: ground.thing(page, button),
      owner: author(page),
      title: `Post ${page}-${button}`,
    })),
  ]).flat();
  const file = path.join(folder, "bench.ndjson");
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}
