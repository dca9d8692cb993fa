// What can go wrong between a click and the ledger, in either browser: the background is stopped, the extension
// updated, the disk full, companion and ledger away for a week. Each click counts once or was never made.
//
//   robust chromium | firefox
import { cpSync, mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DIST } from "./browser.js";
import { begin, isMissing } from "./either.js";
import { perform, stopAll } from "./programs.js";
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
const which = process.argv[2] === "firefox" ? "firefox" : "chromium";

async function main(): Promise<void> {
  const suite = new Suite(async () => {});
  const missing = await isMissing(which);
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
    const robin = await begin(which, { stage, folder, extension: build }, end);
    const { hands } = robin;
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
  suite.leave(folder);
}

await perform(main);
