// Row: what the content script costs a page that inserts 200,000 nodes, and a page of fifty old buttons beside itself.
import type { Page } from "puppeteer-core";
import { delay } from "../e2e/programs.js";
import type { Field } from "./field.js";
import { OLD_BUTTONS, PLAIN } from "./ground.js";
import { count, median, ms, type Table } from "./table.js";
import { traced, type Work } from "./trace.js";

/** Of one batch: 250 pieces of four elements. */
const NODES_PER_BATCH = 1000;

/** What the content script may take of the main thread in all, and in one piece where the page was no larger before. */
const TOTAL_MS = 50;
const PIECE_MS = 16;
const PIECE_NODES = 10_000;

/** The page is watched for so long after the last insertion: what the extension puts off must show, too. */
const AFTER_MS = 4000;

/** measureStorm adds a row for each size that the page has before. */
export async function measureStorm(
  field: Field,
  table: Table,
  sizes: readonly number[],
  batches: number,
): Promise<void> {
  for (const size of sizes) {
    const without = await storm(field, `${PLAIN}/storm/${size}`, batches);
    const work = await storm(field, `/storm/${size}`, batches);
    table.add({
      what: `${count(batches * NODES_PER_BATCH)} nodes inserted in ${batches} batches into ${count(size)}`,
      measured: `${ms(work.ours)} of content script, and ${ms(work.ourLayout)} of layout that it asked for; its longest task ${ms(work.ourLongest)}`,
      floor: `${ms(without.ours)} of content script without the extension`,
      reach: `≤ ${TOTAL_MS} ms in all${size <= PIECE_NODES ? `, no task over ${PIECE_MS} ms` : ""}`,
      reached: work.ours + work.ourLayout <= TOTAL_MS && (size > PIECE_NODES || work.ourLongest <= PIECE_MS),
    });
    table.say(
      `Insertions into ${count(size)} nodes: the main thread was busy for ${ms(work.busy)} with the extension, ${ms(without.busy)} without.`,
    );
  }
}

interface StormPage {
  storm(batches: number, over: () => void): void;
}

async function storm(field: Field, path: string, batches: number): Promise<Work> {
  const page = await field.browser.open(field.ground.origin + path);
  try {
    await quiet(page);
    return await traced(page, "storm begins", async () => {
      await page.evaluate(
        (n) => new Promise<void>((over) => (globalThis as unknown as StormPage).storm(n, over)),
        batches,
      );
      await delay(AFTER_MS);
    });
  } finally {
    await page.close();
  }
}

/** quiet waits until a page has loaded and the extension has had its first look. */
async function quiet(page: Page): Promise<void> {
  await page.waitForFunction(() => document.readyState === "complete");
  await delay(1500);
}

/** Seen is a page loaded, scrolled through and used. */
interface Seen extends Work {
  load: number; // from navigation to the load event
  reaction: number; // from a click on the page's own button to the frame that shows it, median
}

/** A page feels as fast when it blocks and reacts no slower than by this: half a frame. */
const FELT_MS = 8;

/** measureOld adds the row of the page of old buttons, each way so many times in turn. */
export async function measureOld(field: Field, table: Table, rounds: number): Promise<void> {
  const [withIt, without]: [Seen[], Seen[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    without.push(await see(field, `${PLAIN}/old`));
    withIt.push(await see(field, "/old"));
  }
  const of = (seen: readonly Seen[], key: keyof Seen) => median(seen.map((each) => each[key]));
  const say = (seen: readonly Seen[]) =>
    `load ${ms(of(seen, "load"))}, ${of(seen, "long")} long tasks, blocking ${ms(of(seen, "blocking"))}, reaction ${ms(of(seen, "reaction"))}`;
  table.add({
    what: `a page of ${OLD_BUTTONS} old buttons loaded, scrolled and used, median of ${rounds}`,
    measured: say(withIt),
    floor: `${say(without)}, without the extension`,
    reach: `blocking and reaction no longer by more than ${FELT_MS} ms`,
    reached:
      of(withIt, "blocking") - of(without, "blocking") <= FELT_MS &&
      of(withIt, "reaction") - of(without, "reaction") <= FELT_MS,
  });
  table.say(
    `Page of old buttons: the main thread was busy for ${ms(of(withIt, "busy"))} with the extension, ${ms(of(without, "busy"))} without; the content script took ${ms(of(withIt, "ours"))} of it, its longest task ${ms(of(withIt, "ourLongest"))}.`,
  );
}

async function see(field: Field, path: string): Promise<Seen> {
  const page = await field.browser.open("about:blank");
  const seen = { load: 0, reaction: 0 };
  try {
    const work = await traced(page, "seen", async () => {
      await page.goto(field.ground.origin + path, { waitUntil: "load" });
      await page.evaluate(() => performance.mark("seen"));
      await page.mouse.move(300, 300);
      for (let turn = 0; turn < 10; turn++) {
        await page.mouse.wheel({ deltaY: 600 });
        await delay(100);
      }
      seen.reaction = median(await reactions(page));
      await delay(1000);
      seen.load = await page.evaluate(
        () => (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming).loadEventEnd,
      );
    });
    return { ...work, ...seen };
  } finally {
    await page.close();
  }
}

/** reactions are the times from a click on the page's own button until a frame with its answer is drawn. */
async function reactions(page: Page): Promise<readonly number[]> {
  await page.evaluate(() => {
    const drawn: number[] = [];
    Object.assign(globalThis, { drawn });
    document.getElementById("own")?.addEventListener("click", ({ timeStamp }) => {
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => drawn.push(performance.now() - timeStamp);
        channel.port2.postMessage(undefined);
      });
    });
  });
  for (let turn = 1; turn <= 9; turn++) {
    await page.click("#own");
    await page.waitForFunction(
      (n) => (globalThis as unknown as { drawn: number[] }).drawn.length >= n,
      {},
      turn,
    );
  }
  return page.evaluate(() => (globalThis as unknown as { drawn: number[] }).drawn);
}
