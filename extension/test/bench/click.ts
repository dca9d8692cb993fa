// Rows: from a click on a page's button to the frame that shows it, and to the companion's answer.

import { Firefox } from "../e2e/firefox.js";
import { Guest } from "../e2e/guest.js";
import { delay, until } from "../e2e/programs.js";
import { type Field, person } from "./field.js";
import { CLICKED_BUTTONS } from "./ground.js";
import { type Heard, listen } from "./listen.js";
import { median, ms, percentile95, type Table } from "./table.js";

/** From the click to the answer, median: with a connection, and with the background stopped before. */
const CHROMIUM_MS = 15;
const FIREFOX_MS = 30;
const COLD_MS = 120;

/** A page is looked at for so long before its first click: clicks on what has just appeared are not meant. */
const LOOKED_AT_MS = 1500;

/** The pointer rests on a button for so long before it is pressed, as a reader's does. */
const RESTS_MS = 700;

/** Target is a page of buttons on which clicks are timed from within the content script's world. */
interface Target {
  /** evaluate gives the value of an expression in the content script's world. */
  evaluate(expression: string): Promise<unknown>;
  /** place is the middle of whatever stands at a button's place. */
  place(button: number): Promise<{ x: number; y: number } | undefined>;
  clickAt(x: number, y: number): Promise<void>;
  close(): Promise<void>;
}

/** Clicked is a browser in which buttons are clicked. */
export interface Clicked {
  readonly name: string;
  readonly warmMs: number; // what an answer may take, median
  open(number: number): Promise<Target>;
  stopBackground(): Promise<void>;
}

/** Clicks is how much is clicked. */
export interface Clicks {
  clickPages: number;
  clicks: number; // on each of them
  sleeps: number; // clicks after the background was stopped
}

/** measureClicks adds a browser's rows, from the pages of buttons that begin at first. */
export async function measureClicks(
  browser: Clicked,
  table: Table,
  first: number,
  { clickPages: pages, clicks, sleeps }: Clicks,
): Promise<void> {
  const warm: Heard[] = [];
  for (let number = first; number < first + pages; number++) {
    const target = await open(browser, number);
    await click(target, 0); // opens the connection
    for (let button = 1; button < Math.min(clicks, CLICKED_BUTTONS); button++)
      warm.push(await click(target, button));
    await target.close();
  }
  const cold: Heard[] = [];
  const target = await open(browser, first + pages);
  for (let button = 0; button < sleeps; button++) {
    await browser.stopBackground();
    cold.push(await click(target, button));
  }
  await target.close();
  report(browser, table, warm, cold);
}

async function open(browser: Clicked, number: number): Promise<Target> {
  const target = await browser.open(number);
  await target.evaluate(`(${listen})()`);
  await delay(LOOKED_AT_MS);
  return target;
}

async function click(target: Target, button: number): Promise<Heard> {
  const at = await target.place(button);
  if (at === undefined) throw new Error(`there is no button ${button} to be seen`);
  await target.evaluate("heard.begin()");
  await target.clickAt(at.x, at.y);
  await until(`the answer to the click on button ${button}`, async () => {
    if (await target.evaluate(`heard.done()`)) return true;
    throw new Error(`heard so far: ${JSON.stringify(await target.evaluate("heard.last"))}`);
  });
  return (await target.evaluate("heard.last")) as Heard;
}

/** placeOf runs in the page. */
function placeOf(index: number): { x: number; y: number } | undefined {
  const children = [...(document.querySelectorAll(".place")[index]?.children ?? [])];
  const box = children.map((child) => child.getBoundingClientRect()).find(({ width }) => width > 0);
  return box && { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

function report(
  { name, warmMs }: Clicked,
  table: Table,
  warm: readonly Heard[],
  cold: readonly Heard[],
): void {
  const of = (heard: readonly Heard[], key: keyof Heard) => heard.map((each) => each[key]);
  const say = (figures: readonly number[]) => `${ms(median(figures))} (95 %: ${ms(percentile95(figures))})`;
  const all = [...warm, ...cold];
  const late = of(all, "frames").filter((frames) => frames > 0).length;
  table.add({
    what: `click on a page's button to its visible state, ${name}`,
    measured: `the next frame in ${all.length - late} of ${all.length}; state set after ${say(of(all, "changed"))}, drawn after ${say(of(all, "drawn"))}`,
    floor: "-",
    reach: "one frame",
    reached: late === 0,
  });
  table.add({
    what: `click to acknowledgement, connected, ${name}, ${warm.length} clicks`,
    measured: say(of(warm, "ack")),
    floor: "-",
    reach: `median under ${warmMs} ms`,
    reached: median(of(warm, "ack")) < warmMs,
  });
  table.add({
    what: `click to acknowledgement, the background asleep until the pointer came, ${name}, ${cold.length} clicks`,
    measured: say(of(cold, "ack")),
    floor: "-",
    reach: `median under ${COLD_MS} ms`,
    reached: median(of(cold, "ack")) < COLD_MS,
  });
}

/** inChromium clicks in the field's own browser. */
export function inChromium(field: Field): Clicked {
  return {
    name: "Chromium",
    warmMs: CHROMIUM_MS,
    open: (number) => openChromium(field, number),
    stopBackground: async () => {
      const isOurs = (url: string) => url.startsWith(field.browser.own("background"));
      const worker = await field.browser.background();
      // It may be gone before the browser could let go of it in good order.
      await worker.close().catch((error: unknown) => {
        if (!String(error).includes("No session")) throw error;
      });
      await until("the background is stopped", () =>
        field.browser.chromium
          .targets()
          .every((each) => each.type() !== "service_worker" || !isOurs(each.url())),
      );
    },
  };
}

async function openChromium(field: Field, number: number): Promise<Target> {
  const page = await field.browser.open(`${field.ground.origin}/click/${number}`);
  const session = await page.createCDPSession();
  let found: number | undefined;
  session.on("Runtime.executionContextCreated", ({ context }) => {
    if (context.origin.startsWith("chrome-extension://")) found = context.id;
  });
  await session.send("Runtime.enable");
  const contextId = await until("the content script runs", () => found);
  return {
    evaluate: async (expression) => {
      const answer = await session.send("Runtime.evaluate", { contextId, expression, returnByValue: true });
      if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description);
      return answer.result.value;
    },
    place: (button) => page.evaluate(placeOf, button),
    clickAt: async (x, y) => {
      await page.mouse.move(x, y);
      await delay(RESTS_MS);
      await page.mouse.click(x, y);
    },
    close: () => page.close(),
  };
}

/** inFirefox starts a Firefox in which another reader has paired and linked the same companion. */
export async function inFirefox(field: Field, folder: string): Promise<Clicked & { close(): Promise<void> }> {
  const firefox = await Firefox.launch({ folder, state: field.stage.companion.state });
  const robin = new Guest(firefox, field.stage, person);
  for (const [button, step] of [
    ["#connect", "#step-connect"],
    ["#allow", "#step-allow"],
  ] as const) {
    const page = await robin.onboarding();
    await page.click(button);
    await page.visible(`${step}[data-state=done]`);
    await page.close();
  }
  const page = await robin.onboarding();
  await page.click("#offered button"); // the account that this user has signed in to from the other browser
  await page.visible("#step-link[data-state=ask]");
  await page.click("#link-yes");
  await page.visible("#step-link[data-state=done]");
  await page.close();
  return {
    name: "Firefox",
    warmMs: FIREFOX_MS,
    open: (number) => openFirefox(firefox, `${field.ground.origin}/click/${number}`),
    stopBackground: () => firefox.stopBackground(),
    close: () => firefox.close(),
  };
}

async function openFirefox(firefox: Firefox, url: string): Promise<Target> {
  const sheet = await firefox.open(url);
  const tab = await firefox.inside(
    async (wanted) => (await chrome.tabs.query({})).find((each) => each.url === wanted)?.id,
    url,
  );
  return {
    // The expression becomes the body of a function that the extension's own interface runs in its world.
    evaluate: async (expression) => {
      const work = new Function(
        "tabId",
        `return chrome.scripting.executeScript({ target: { tabId }, func: () => (${expression}) })
          .then(([frame]) => frame.result ?? null)`,
      ) as (tabId: number | undefined) => Promise<unknown>;
      const value = await firefox.inside(work, tab);
      await sheet.front();
      return value;
    },
    place: (button) => sheet.run(placeOf, button),
    clickAt: async (x, y) => {
      const move = {
        type: "pointerMove",
        duration: 0,
        x: Math.round(x),
        y: Math.round(y),
        origin: "viewport",
      };
      await firefox.marionette.send("WebDriver:PerformActions", {
        actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions: [move] }],
      });
      await delay(RESTS_MS);
      await sheet.clickAt(x, y);
    },
    close: () => sheet.close(),
  };
}
