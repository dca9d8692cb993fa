// What can go wrong between a click and the ledger, in either browser: the background is stopped, the extension
// updated, the disk full, companion and ledger away for a week. Each click counts once or was never made.
//
//   robust chromium | firefox
import { cpSync, mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DIST } from "./browser.js";
import { begin, staged } from "./either.js";
import { perform } from "./programs.js";
import { away } from "./robust-away.js";
import { closed } from "./robust-closed.js";
import { full } from "./robust-full.js";
import { history } from "./robust-history.js";
import { stops } from "./robust-stops.js";
import { update } from "./robust-update.js";
import { Books } from "./trial.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-robust-"));
const which = process.argv[2] === "firefox" ? "firefox" : "chromium";

await perform(() =>
  staged(`what can go wrong in ${which}`, which, folder, async (suite, stage, end) => {
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
  }),
);
