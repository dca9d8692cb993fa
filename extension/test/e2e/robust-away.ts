// Companion and ledger away for a week. Nobody sleeps: the events' own times are set back where they are stored.
import { strict as assert } from "node:assert";
import { until } from "./programs.js";
import type { Trial } from "./trial.js";

const WEEK_MS = 7 * 24 * 3600 * 1000;

export async function away({ suite, hands, robin, stage, books }: Trial): Promise<void> {
  await suite.test(
    `${hands.name}: clicks of a week without companion and ledger count once, on their own days`,
    async () => {
      await books.open(robin);
      await stage.ledger.stop();
      await stage.companion.stop();
      const urls = [books.next(), books.next()];
      for (const url of urls) {
        const page = await robin.visit(url);
        await robin.press(page);
        await robin.line(page);
        await page.close();
      }
      await until("both are kept", async () => (await robin.kept()).length === 2);
      const ago = await age(hands, WEEK_MS);
      await hands.stopBackground(); // it reads what is stored when it starts again
      assert.deepEqual(
        (await robin.kept()).map(({ at }) => at),
        ago,
      );
      const alarm = await hands.inside(async () => (await chrome.alarms.get("outbox"))?.periodInMinutes);
      assert.equal(alarm, 1, "nothing wakes the background while clicks are kept");
      await stage.companion.start();
      const [first = ""] = urls;
      const page = await hands.open(first);
      await until("the companion has them", async () => {
        await robin.figures(first);
        return (await robin.kept()).length === 0;
      });
      await stage.ledger.start();
      books.clicks += ago.filter((at) => at.slice(0, 7) === new Date().toISOString().slice(0, 7)).length;
      await robin.counts(books.clicks);
      await page.close();
    },
  );
}

/** age makes what is kept so much older, and gives the times it then bears. */
function age(hands: Trial["hands"], byMs: number): Promise<string[]> {
  return hands.inside(async (earlier) => {
    const stored = await chrome.storage.local.get(null);
    const times: string[] = [];
    for (const key of Object.keys(stored)
      .filter((name) => name.startsWith("out:"))
      .sort()) {
      const entry = stored[key] as { message: { at: string } };
      entry.message.at = new Date(Date.parse(entry.message.at) - earlier).toISOString();
      times.push(entry.message.at);
      await chrome.storage.local.set({ [key]: entry });
    }
    return times;
  }, byMs);
}
