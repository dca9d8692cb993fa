// Rows: from a click on a page's button to the frame that shows it, and to the companion's answer.
import type { CDPSession, Page } from "puppeteer-core";
import { delay, until } from "../e2e/programs.js";
import type { Field } from "./field.js";
import { CLICKED_BUTTONS } from "./ground.js";
import { median, ms, percentile95, type Table } from "./table.js";

/** From the click to the answer in Chromium, median: with a connection, and with the background stopped before. */
const WARM_MS = 15;
const COLD_MS = 120;

/** A page is looked at for so long before its first click: clicks on what has just appeared are not meant. */
const LOOKED_AT_MS = 1500;

/** Heard is what the content script's own world saw of one click; times in milliseconds since the click. */
interface Heard {
  frames: number; // that were drawn between the click and the change
  changed: number; // until the button's state was another
  drawn: number; // until the frame with it was drawn
  ack: number; // until the companion's answer came to the page
}

/** measureClicks adds the rows of Chromium. */
export async function measureClicks(
  field: Field,
  table: Table,
  pages: number,
  sleeps: number,
): Promise<void> {
  const warm: Heard[] = [];
  for (let number = 0; number < pages; number++) {
    const target = await Target.open(field, number);
    await target.click(0); // opens the connection
    for (let button = 1; button < CLICKED_BUTTONS; button++) warm.push(await target.click(button));
    await target.close();
  }
  const cold: Heard[] = [];
  const target = await Target.open(field, pages);
  for (let button = 0; button < sleeps; button++) {
    await stopBackground(field);
    cold.push(await target.click(button));
  }
  await target.close();
  report(table, warm, cold);
}

function report(table: Table, warm: readonly Heard[], cold: readonly Heard[]): void {
  const of = (heard: readonly Heard[], key: keyof Heard) => heard.map((each) => each[key]);
  const say = (figures: readonly number[]) => `${ms(median(figures))} (95 %: ${ms(percentile95(figures))})`;
  const all = [...warm, ...cold];
  const late = of(all, "frames").filter((frames) => frames > 0).length;
  table.add({
    what: "click on a page's button to its visible state, Chromium",
    measured: `the next frame in ${all.length - late} of ${all.length}; state set after ${say(of(all, "changed"))}, drawn after ${say(of(all, "drawn"))}`,
    floor: "-",
    reach: "one frame",
    reached: late === 0,
  });
  table.add({
    what: `click to acknowledgement, connected, Chromium, ${warm.length} clicks`,
    measured: say(of(warm, "ack")),
    floor: "-",
    reach: `median under ${WARM_MS} ms`,
    reached: median(of(warm, "ack")) < WARM_MS,
  });
  table.add({
    what: `click to acknowledgement, the background stopped before, Chromium, ${cold.length} clicks`,
    measured: say(of(cold, "ack")),
    floor: "-",
    reach: `median under ${COLD_MS} ms`,
    reached: median(of(cold, "ack")) < COLD_MS,
  });
}

/** stopBackground ends the service worker as the browser does after half a minute without work. */
async function stopBackground(field: Field): Promise<void> {
  const isOurs = (url: string) => url.startsWith(field.browser.own("background"));
  await (await field.browser.background()).close();
  await until("the background is stopped", () =>
    field.browser.chromium.targets().every((each) => each.type() !== "service_worker" || !isOurs(each.url())),
  );
}

/** Target is a page of buttons on which clicks are timed from within the content script's world. */
class Target {
  private constructor(
    private readonly page: Page,
    private readonly session: CDPSession,
    private readonly contextId: number,
  ) {}

  static async open(field: Field, number: number): Promise<Target> {
    const page = await field.browser.open(`${field.ground.origin}/click/${number}`);
    const session = await page.createCDPSession();
    let contextId: number | undefined;
    session.on("Runtime.executionContextCreated", ({ context }) => {
      if (context.origin.startsWith("chrome-extension://")) contextId = context.id;
    });
    await session.send("Runtime.enable");
    const found = await until("the content script runs", () => contextId);
    await delay(LOOKED_AT_MS);
    const target = new Target(page, session, found);
    await target.evaluate(`(${listen})()`);
    return target;
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  /** click clicks the middle of whatever stands at the button's place, and waits for the answer. */
  async click(button: number): Promise<Heard> {
    const at = await this.page.evaluate((index) => {
      const children = [...(document.querySelectorAll(".place")[index]?.children ?? [])];
      const box = children.map((child) => child.getBoundingClientRect()).find(({ width }) => width > 0);
      return box && { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    }, button);
    if (at === undefined) throw new Error(`there is no button ${button} to be seen`);
    await this.evaluate("heard.begin()");
    await this.page.mouse.click(at.x, at.y);
    await until(`the answer to the click on button ${button}`, () => this.evaluate("heard.done()"));
    return (await this.evaluate("heard.last")) as Heard;
  }

  private async evaluate(expression: string): Promise<unknown> {
    const answer = await this.session.send("Runtime.evaluate", {
      contextId: this.contextId,
      expression,
      returnByValue: true,
    });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description);
    return answer.result.value;
  }
}

/** listen runs in the content script's world, which alone sees into closed shadow roots and hears the background. */
function listen(): void {
  let last: { frames: number; changed?: number; drawn?: number; ack?: number } = { frames: 0 };
  let start: number | undefined;
  const since = () => performance.now() - (start ?? Number.NaN);
  const frame = () => {
    if (start === undefined || last.changed !== undefined) return;
    last.frames++;
    requestAnimationFrame(frame);
  };
  // The click itself is kept from whoever listens after the extension; it has the time of the pointer's release.
  addEventListener(
    "pointerup",
    (event) => {
      start = event.timeStamp;
      requestAnimationFrame(frame);
    },
    true,
  );
  const observer = new MutationObserver(() => {
    if (start === undefined || last.changed !== undefined) return;
    last.changed = since();
    const mine = last;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        mine.drawn = since();
      };
      channel.port2.postMessage(undefined);
    });
  });
  chrome.runtime.onMessage.addListener((message: { kind?: string }) => {
    if (start !== undefined && message.kind === "settled") last.ack ??= since();
  });
  const watched = new WeakSet<Node>();
  const observe = (node: Node) => {
    if (watched.has(node)) return;
    watched.add(node);
    observer.observe(node, { subtree: true, childList: true, attributes: true, characterData: true });
  };
  const heard = {
    get last() {
      return last;
    },
    begin() {
      last = { frames: 0 };
      start = undefined;
      observe(document);
      for (const element of document.querySelectorAll<HTMLElement>("body, body *, html > *")) {
        const root = chrome.dom.openOrClosedShadowRoot(element);
        if (root) observe(root);
      }
    },
    done: () => last.drawn !== undefined && last.ack !== undefined,
  };
  Object.assign(globalThis, { heard });
}
