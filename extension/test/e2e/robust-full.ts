// No room left in the extension's store: the reader is told, what was kept stays, and the next click works again.
import { strict as assert } from "node:assert";
import { until } from "./programs.js";
import type { Trial } from "./trial.js";

export async function full({ suite, hands, robin, stage, books }: Trial): Promise<void> {
  await suite.test(
    `${hands.name}: a full store is said, nothing is lost, and the next click works`,
    async () => {
      await books.open(robin);
      await stage.companion.stop();
      const kept = books.next();
      const before = await robin.visit(kept);
      await robin.press(before);
      await robin.line(before);
      await before.close();
      const url = books.next();
      const page = await robin.visit(url);
      await fill(hands);
      await page.front();
      await robin.press(page);
      const said = await until("the page says that there is no room", async () => {
        const { text } = await robin.line(page);
        return /room|full|space/i.test(text) && text;
      });
      assert.doesNotMatch(said, /undefined/);
      assert.equal((await robin.kept()).length, 1, "what was kept before is still kept, and nothing else");
      await stage.companion.start();
      await until("what was kept arrives, full store or not", async () => {
        await robin.figures(url);
        return (await robin.kept()).length === 0;
      });
      books.clicks++;
      await robin.counts(books.clicks);
      await empty(hands);
      await page.front();
      await robin.press(page);
      books.clicks++;
      await robin.counts(books.clicks);
      await page.close();
    },
  );
}

// Chromium has a limit that can be reached. Firefox's is a share of the disk: there the store refuses by our hand.
async function fill(hands: Trial["hands"]): Promise<void> {
  if (hands.name === "Firefox") {
    await hands.inBackground(() => {
      const shelf = chrome.storage.local as unknown as {
        set: (items: object) => Promise<void>;
        real?: unknown;
      };
      shelf.real = shelf.set;
      shelf.set = () =>
        Promise.reject(new Error("QuotaExceededError: storage.local API call exceeded its quota"));
    });
    return;
  }
  await hands.inside(async () => {
    for (let size = 1 << 20, index = 0; size > 0; index++) {
      const took = await chrome.storage.local.set({ [`filler:${index}`]: "x".repeat(size) }).then(
        () => true,
        () => false,
      );
      if (!took) size >>= 1;
    }
  });
}

async function empty(hands: Trial["hands"]): Promise<void> {
  if (hands.name === "Firefox") {
    await hands.stopBackground(); // and with it our hand
    return;
  }
  await hands.inside(async () => {
    const keys = Object.keys(await chrome.storage.local.get(null));
    await chrome.storage.local.remove(keys.filter((key) => key.startsWith("filler:")));
  });
}
