// Pages that come back from the browser's memory, and pages that are made ready before anybody goes there.
import { strict as assert } from "node:assert";
import { delay, until } from "./programs.js";
import { frame } from "./site/site.js";
import type { Trial } from "./trial.js";

/** Long enough for a page to have told of its things: a scan begins half a second after a change at the latest. */
const QUIET_MS = 1500;

export async function history(trial: Trial): Promise<void> {
  await backAndForward(trial);
  await prerendering(trial);
}

async function backAndForward({ suite, hands, robin, stage, books }: Trial): Promise<void> {
  await suite.test(
    `${hands.name}: back and forward show each page's own count, and a click counts once`,
    async () => {
      await books.open(robin);
      const url = books.next();
      const many = `${stage.site.origin}/`;
      stage.site.extra.set("/bare", frame("Bare", "<p>Nothing to flattr.</p>"));
      const page = await robin.visit(url);
      await page.goto(`${stage.site.origin}/bare`);
      await robin.counted(`${stage.site.origin}/bare`, 0);
      await page.back();
      await robin.counted(url, 1);
      await page.goto(many);
      await robin.counted(many, stage.site.articles.length);
      await page.back();
      await robin.counted(url, 1);
      await page.forward();
      await robin.counted(many, stage.site.articles.length);
      await page.back();
      await page.front();
      await robin.counted(url, 1);
      await robin.press(page);
      books.clicks++;
      await robin.counts(books.clicks);
      await page.close();
    },
  );
}

// Firefox makes no page ready by rules of the page before.
async function prerendering({ suite, hands, robin, stage, books }: Trial): Promise<void> {
  if (hands.name !== "Chromium") return;
  await suite.test(
    `${hands.name}: a page that is only made ready is not counted, and counts once it is shown`,
    async () => {
      await books.open(robin);
      const url = books.next();
      const before = `${stage.site.origin}/before`;
      const rules = JSON.stringify({ prerender: [{ urls: [url], eagerness: "immediate" }] });
      stage.site.extra.set(
        "/before",
        frame("Before", `<script type="speculationrules">${rules}</script><p><a href="${url}">On</a></p>`),
      );
      const asked = stage.site.asked(url);
      const page = await hands.open(before);
      await until("the browser makes the page ready", () => stage.site.asked(url) > asked);
      await delay(QUIET_MS); // there is nothing to wait for: that nothing comes is the test
      assert.equal(await robin.badge(before), "");
      await page.front();
      await page.click("a");
      await robin.counted(url, 1);
      // It was asked for once only: what is shown is what was made ready.
      assert.equal(stage.site.asked(url), asked + 1);
      await page.close();
    },
  );
}
