// A suite about a ledger and its pages in Chromium: it is set up, told, and taken down again.
import path from "node:path";
import { chromium } from "./browser.js";
import { delay, perform } from "./programs.js";
import { Published } from "./published.js";
import { Suite } from "./suite.js";

/** inPublished runs tell with a ledger and a browser below folder, or skips name where there is no browser. */
export async function inPublished(
  name: string,
  folder: string,
  tell: (suite: Suite, set: Published) => Promise<void>,
): Promise<void> {
  await perform(async () => {
    let set: Published | undefined;
    const suite = new Suite(async (failed) => {
      const page = (await set?.browser.pages())?.at(-1);
      const file = path.join(folder, `${failed.replaceAll(/\W+/g, "-")}.png`) as `${string}.png`;
      await Promise.race([page?.screenshot({ path: file }), delay(3000)]);
    });
    if (chromium() === undefined) {
      suite.skip(name, "no browser here: sudo apt-get install chromium");
    } else {
      set = await Published.set(path.join(folder, "ledger"));
      try {
        await tell(suite, set);
      } finally {
        await set.close();
      }
    }
    suite.close();
    suite.leave(folder);
  });
}
