// The background is stopped at five points between a click and its end: the click counts exactly once.
import { strict as assert } from "node:assert";
import { until } from "./programs.js";
import { held, hold, POINTS } from "./stalls.js";
import type { Trial } from "./trial.js";

export async function stops({ suite, hands, robin, books }: Trial): Promise<void> {
  for (const point of POINTS) {
    await suite.test(`${hands.name}: the background stopped ${point}: the click counts once`, async () => {
      await books.open(robin);
      const url = books.next();
      const page = await robin.visit(url);
      await hands.stopBackground(); // no session of before, so that the click dials anew
      await hold(hands, point);
      await page.front();
      await robin.press(page);
      await held(hands, point);
      await hands.stopBackground();
      // Where the page has no answer yet it asks again; else the next thing that wakes the background delivers.
      await robin.standing(url, "flattred");
      books.clicks++;
      await robin.counts(books.clicks);
      await until("nothing is kept any more", async () => (await robin.kept()).length === 0);
      await page.close();
    });
  }
  await suite.test(`${hands.name}: a background that was stopped in between is no loss`, async () => {
    await books.open(robin);
    const page = await robin.visit(books.next());
    await hands.stopBackground();
    await page.front();
    await robin.press(page);
    await robin.line(page);
    books.clicks++;
    await robin.counts(books.clicks);
    assert.deepEqual(await robin.kept(), []);
    await page.close();
  });
}
